#include "forward.h"

#include <algorithm>

#include "forward_functions.h"
#include "vector_clones.h"

namespace heronry {
namespace {

// Outputs whose sums stay in registers together; what is left over is taken by fours, twos and one.
constexpr std::size_t kBlock = 8;

constexpr std::size_t block_size(std::size_t num_left) {
  return num_left >= kBlock ? kBlock : num_left >= 4 ? 4 : num_left >= 2 ? 2 : 1;
}

// Sums of N outputs over one window, each in the order of its inputs.
template <std::size_t N>
HERONRY_IN_CLONE void sum_window(const Layer& layer, const Lanes* window, const float* weights, const float* biases,
                                 Lanes* out) {
  Lanes sums[N] = {};
  for (std::size_t s = 0; s < layer.num_spans; ++s) {
    const Lanes* span = window + s * layer.span_step;
    for (std::size_t i = 0; i < layer.span; ++i, weights += N) {
      for (std::size_t j = 0; j < N; ++j) sums[j] += span[i] * weights[j];
    }
  }
  for (std::size_t j = 0; j < N; ++j) out[j] = sums[j] + biases[j];
}

HERONRY_IN_CLONE void sum_block(std::size_t size, const Layer& layer, const Lanes* window, const float* weights,
                                const float* biases, Lanes* out) {
  if (size == kBlock) return sum_window<kBlock>(layer, window, weights, biases, out);
  if (size == 4) return sum_window<4>(layer, window, weights, biases, out);
  if (size == 2) return sum_window<2>(layer, window, weights, biases, out);
  return sum_window<1>(layer, window, weights, biases, out);
}

HERONRY_IN_CLONE void activate(Activation activation, Lanes* values, std::size_t count) {
  switch (activation) {
    case Activation::kNone: return;
    case Activation::kTanh:
      for (std::size_t i = 0; i < count; ++i) hyperbolic_tangent(values[i]);
      return;
    case Activation::kRelu:
      for (std::size_t i = 0; i < count; ++i) rectify(values[i]);
      return;
    case Activation::kElu:
      for (std::size_t i = 0; i < count; ++i) exponential_linear(values[i]);
      return;
  }
}

// Blocks outside, windows inside: a block's weights are read from the nearest cache for every window but the first.
HERONRY_VECTOR_CLONES void apply_layer(const Layer& layer, const Lanes* in, Lanes* out) {
  const float* weights = layer.weights.data();
  for (std::size_t first = 0; first < layer.num_outputs;) {
    const std::size_t size = block_size(layer.num_outputs - first);
    const float* biases = layer.biases.data() + first;
    Lanes* to = out + first;
    for (std::size_t y = 0; y < layer.num_places_y; ++y) {
      for (std::size_t x = 0; x < layer.num_places_x; ++x, to += layer.num_outputs) {
        sum_block(size, layer, in + y * layer.step_y + x * layer.step_x, weights, biases, to);
      }
    }
    weights += size * layer.window_size();
    first += size;
  }
  activate(layer.activation, out, layer.size());
}

Layer convolution_layer(const ConvolutionShape& convolution, std::size_t height, std::size_t width,
                        std::size_t channels, Activation activation) {
  Layer layer{};
  layer.num_places_y = (height - convolution.kernel) / convolution.stride + 1;
  layer.num_places_x = (width - convolution.kernel) / convolution.stride + 1;
  layer.step_x = convolution.stride * channels;
  layer.step_y = convolution.stride * width * channels;
  layer.num_spans = convolution.kernel;
  layer.span = convolution.kernel * channels;
  layer.span_step = width * channels;
  layer.num_outputs = convolution.channels;
  layer.activation = activation;
  return layer;
}

Layer dense_layer(std::size_t num_inputs, std::size_t num_outputs, Activation activation) {
  Layer layer{};
  layer.num_places_y = layer.num_places_x = layer.num_spans = 1;
  layer.span = num_inputs;
  layer.num_outputs = num_outputs;
  layer.activation = activation;
  return layer;
}

// From [outputs, inputs] to blocks in the order in which they are read.
void pack(Layer& layer, const float* weights) {
  const std::size_t num_inputs = layer.window_size();
  float* to = layer.weights.data();
  for (std::size_t first = 0; first < layer.num_outputs;) {
    const std::size_t size = block_size(layer.num_outputs - first);
    for (std::size_t i = 0; i < num_inputs; ++i) {
      for (std::size_t j = 0; j < size; ++j) *to++ = weights[(first + j) * num_inputs + i];
    }
    first += size;
  }
}

template <typename Element>
HERONRY_IN_CLONE void spread(const Element* rows, std::size_t num_rows, std::size_t num_inputs, float scale,
                             Lanes* out) {
  // Lanes without a row hold zeros; what becomes of them is not read.
  if (num_rows < kLanes) std::fill(out, out + num_inputs, Lanes{});
  float* values = reinterpret_cast<float*>(out);
  for (std::size_t row = 0; row < num_rows; ++row) {
    const Element* from = rows + row * num_inputs;
    for (std::size_t i = 0; i < num_inputs; ++i) {
      const float value = static_cast<float>(from[i]);
      values[i * kLanes + row] = sizeof(Element) == 1 ? value * scale : value;
    }
  }
}

void gather(const Lanes* values, std::size_t num_rows, std::size_t num_outputs, float* outputs) {
  const float* from = reinterpret_cast<const float*>(values);
  for (std::size_t row = 0; row < num_rows; ++row) {
    for (std::size_t j = 0; j < num_outputs; ++j) outputs[row * num_outputs + j] = from[j * kLanes + row];
  }
}

}  // namespace

Network::Network(const NetworkShape& shape)
    : num_inputs_(shape.height * shape.width * shape.channels), byte_scale_(shape.byte_scale) {
  std::size_t height = shape.height, width = shape.width, channels = shape.channels;
  for (const ConvolutionShape& convolution : shape.convolutions) {
    layers_.push_back(convolution_layer(convolution, height, width, channels, shape.activation));
    height = layers_.back().num_places_y;
    width = layers_.back().num_places_x;
    channels = convolution.channels;
  }
  std::size_t num_numbers = height * width * channels;
  for (std::size_t i = 0; i < shape.widths.size(); ++i) {
    const bool is_head = i + 1 == shape.widths.size();
    layers_.push_back(dense_layer(num_numbers, shape.widths[i], is_head ? Activation::kNone : shape.activation));
    num_numbers = shape.widths[i];
  }
  widest_ = num_inputs_;
  for (Layer& layer : layers_) {
    layer.weights.resize(layer.num_outputs * layer.window_size());
    layer.biases.resize(layer.num_outputs);
    num_weights_ += layer.weights.size() + layer.biases.size();
    widest_ = std::max(widest_, layer.size());
    // A multiplication takes about a thirtieth of a nanosecond, an activation one.
    row_ns_ += static_cast<double>(layer.size()) * (static_cast<double>(layer.window_size()) / 30.0 + 1.0);
  }
}

void Network::load(const float* weights) {
  for (Layer& layer : layers_) {
    pack(layer, weights);
    weights += layer.weights.size();
    std::copy(weights, weights + layer.biases.size(), layer.biases.begin());
    weights += layer.biases.size();
  }
}

void Network::evaluate(const float* observations, std::size_t num_rows, float* outputs, Workspace& work) const {
  evaluate_rows(observations, num_rows, outputs, work);
}

void Network::evaluate(const std::uint8_t* observations, std::size_t num_rows, float* outputs, Workspace& work) const {
  evaluate_rows(observations, num_rows, outputs, work);
}

template <typename Element>
void Network::evaluate_rows(const Element* observations, std::size_t num_rows, float* outputs, Workspace& work) const {
  work.resize(widest_);
  for (std::size_t first = 0; first < num_rows; first += kLanes) {
    const std::size_t count = std::min(kLanes, num_rows - first);
    spread(observations + first * num_inputs_, count, num_inputs_, byte_scale_, work.from());
    for (const Layer& layer : layers_) {
      apply_layer(layer, work.from(), work.to());
      work.swap();
    }
    gather(work.from(), count, num_outputs(), outputs + first * num_outputs());
  }
}

}  // namespace heronry
