// A policy's network, evaluated for many rows; see heronry/native/forward.py.
//
// Sixteen rows lie side by side in the lanes of one vector, and every number of the network is such a vector.
// A row's outputs therefore have the same bits whatever rows are beside it; without contraction (see
// CMakeLists.txt) they are the same on every machine too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heronry {

constexpr std::size_t kLanes = 16;

// One number of each of sixteen rows.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

enum class Activation { kNone, kTanh, kRelu, kElu };

// Weighted sums over windows of a picture; a fully connected layer is one window that spans everything.
struct Layer {
  std::size_t num_places_y, num_places_x;      // windows, from top to bottom and from left to right
  std::size_t step_y, step_x;                  // numbers between the beginnings of neighbouring windows
  std::size_t num_spans, span, span_step;      // a window: runs of numbers and the distance of their beginnings
  std::size_t num_outputs;                     // of each window
  Activation activation;
  std::vector<float> weights;                  // blocks of outputs, in each [inputs of a window][outputs of the block]
  std::vector<float> biases;

  std::size_t window_size() const { return num_spans * span; }
  std::size_t size() const { return num_places_y * num_places_x * num_outputs; }
};

struct ConvolutionShape {
  std::size_t channels, kernel, stride;
};

struct NetworkShape {
  std::size_t height, width, channels;         // of a picture; 1, 1, size without convolutions
  std::vector<ConvolutionShape> convolutions;
  std::vector<std::size_t> widths;             // of the fully connected layers, the head last
  Activation activation;
  float byte_scale;                            // what observations that are bytes are multiplied by
};

// Numbers on their way through a network: one a thread.
class Workspace {
 public:
  void resize(std::size_t count) {
    from_.resize(count);
    to_.resize(count);
  }
  void swap() { from_.swap(to_); }
  Lanes* from() { return &from_.data()->lanes; }
  Lanes* to() { return &to_.data()->lanes; }

 private:
  // Where the machine at hand has narrower vectors, the type alone asks for less than a clone for wider ones needs.
  struct alignas(sizeof(Lanes)) Number {
    Lanes lanes;
  };
  std::vector<Number> from_, to_;
};

class Network {
 public:
  explicit Network(const NetworkShape& shape);

  std::size_t num_inputs() const { return num_inputs_; }
  std::size_t num_outputs() const { return layers_.back().num_outputs; }
  std::size_t num_weights() const { return num_weights_; }
  // Of one row, roughly: says when threads or releasing a lock pay.
  double row_ns() const { return row_ns_; }

  // Every layer's weight [outputs, inputs] and then its biases, from the first layer to the head.
  void load(const float* weights);

  // Observations [rows, num_inputs], float32 or bytes, to outputs [rows, num_outputs].
  void evaluate(const float* observations, std::size_t num_rows, float* outputs, Workspace& work) const;
  void evaluate(const std::uint8_t* observations, std::size_t num_rows, float* outputs, Workspace& work) const;

 private:
  template <typename Element>
  void evaluate_rows(const Element* observations, std::size_t num_rows, float* outputs, Workspace& work) const;

  std::vector<Layer> layers_;
  std::size_t num_inputs_, num_weights_ = 0, widest_ = 0;
  float byte_scale_;
  double row_ns_ = 0.0;
};

}  // namespace heronry
