#include "forward.h"

#include <algorithm>

#include "forward_functions.h"
#include "spread.h"
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

// Windows of `num_places_y` lines. Blocks outside, windows inside: a block's weights are read from the nearest cache
// for every window but the first.
HERONRY_IN_CLONE void sum_lines(const Layer& layer, std::size_t num_places_y, const Lanes* in, Lanes* out) {
  const float* weights = layer.weights.data();
  for (std::size_t first = 0; first < layer.num_outputs;) {
    const std::size_t size = block_size(layer.num_outputs - first);
    const float* biases = layer.biases.data() + first;
    Lanes* to = out + first;
    for (std::size_t y = 0; y < num_places_y; ++y) {
      for (std::size_t x = 0; x < layer.num_places_x; ++x, to += layer.num_outputs) {
        sum_block(size, layer, in + y * layer.step_y + x * layer.step_x, weights, biases, to);
      }
    }
    weights += size * layer.window_size();
    first += size;
  }
}

HERONRY_VECTOR_CLONES void apply_layer(const Layer& layer, const Lanes* in, Lanes* out) {
  sum_lines(layer, layer.num_places_y, in, out);
  activate(layer.activation, out, layer.size());
}

// The first layer, of observations that are spread a line of windows at a time: those of large pictures do not fit
// into a cache. Lines that the next windows need again move up.
template <typename Element>
HERONRY_IN_CLONE void apply_first(const Layer& layer, const RowsOfLanes<Element>& rows, float scale, Lanes* lines,
                                  Lanes* out) {
  const std::size_t line = layer.num_places_x * layer.num_outputs;
  const std::size_t used = std::max(layer.span, layer.num_spans * layer.span_step);
  const std::size_t kept = used > layer.step_y ? used - layer.step_y : 0;
  spread(rows, 0, used, scale, lines);
  sum_lines(layer, 1, lines, out);
  for (std::size_t y = 1; y < layer.num_places_y; ++y) {
    std::copy(lines + used - kept, lines + used, lines);
    const std::size_t begin = y * layer.step_y + kept;
    spread(rows, begin, y * layer.step_y + used, scale, lines + kept);
    sum_lines(layer, 1, lines, out + y * line);
  }
  activate(layer.activation, out, layer.size());
}

HERONRY_VECTOR_CLONES void apply_first_layer(const Layer& layer, const RowsOfLanes<float>& rows, float scale,
                                             Lanes* lines, Lanes* out) {
  apply_first(layer, rows, scale, lines, out);
}

HERONRY_VECTOR_CLONES void apply_first_layer(const Layer& layer, const RowsOfLanes<std::uint8_t>& rows, float scale,
                                             Lanes* lines, Lanes* out) {
  apply_first(layer, rows, scale, lines, out);
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
    const RowsOfLanes<Element> rows{observations + first * num_inputs_, num_inputs_, count};
    apply_first_layer(layers_.front(), rows, byte_scale_, work.from(), work.to());
    for (auto layer = layers_.begin() + 1; layer != layers_.end(); ++layer) {
      work.swap();
      apply_layer(*layer, work.from(), work.to());
    }
    work.swap();
    gather(work.from(), count, num_outputs(), outputs + first * num_outputs());
  }
}

}  // namespace heronry
