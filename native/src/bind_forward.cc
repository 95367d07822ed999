#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "arguments.h"
#include "bindings.h"
#include "hosted_network.h"

namespace heronry {
namespace {

using Untyped = nb::ndarray<nb::c_contig, nb::device::cpu>;

// Above this a thread that wants the interpreter may go on: taking the lock back may wait for a whole switch interval.
constexpr double kLongNs = 500'000;

Activation activation_of(const std::string& name) {
  if (name == "tanh") return Activation::kTanh;
  if (name == "relu") return Activation::kRelu;
  if (name == "elu") return Activation::kElu;
  throw nb::value_error("an activation other than tanh, relu and elu");
}

std::unique_ptr<HostedNetwork> make_network(std::array<std::size_t, 3> picture,
                                            const std::vector<std::array<std::size_t, 3>>& convolutions,
                                            const std::vector<std::size_t>& widths, const std::string& activation,
                                            float byte_scale) {
  auto [height, width, channels] = picture;
  require(height > 0 && width > 0 && channels > 0, "observations without elements");
  require(!widths.empty() && std::find(widths.begin(), widths.end(), 0u) == widths.end(), "layers without outputs");
  NetworkShape shape{height, width, channels, {}, widths, activation_of(activation), byte_scale};
  for (const auto& [outputs, kernel, stride] : convolutions) {
    require(outputs > 0 && kernel > 0 && stride > 0, "a convolution without outputs, window or stride");
    require(kernel <= height && kernel <= width, "a window larger than its picture");
    shape.convolutions.push_back({outputs, kernel, stride});
    height = (height - kernel) / stride + 1;
    width = (width - kernel) / stride + 1;
  }
  return std::make_unique<HostedNetwork>(HostedNetwork{Network(shape), {}});
}

void load(HostedNetwork& self, Vector<const float> weights) {
  require(weights.shape(0) == self.network.num_weights(), "another number of weights than the network's");
  self.network.load(weights.data());
}

void evaluate(HostedNetwork& self, Untyped observations, Matrix<float> outputs) {
  const Network& network = self.network;
  const std::size_t num_rows = outputs.shape(0);
  require(outputs.shape(1) == network.num_outputs(), "another number of outputs than the network's");
  require(observations.size() == num_rows * network.num_inputs(), "observations of another shape than the network's");
  LockReleased released(network.row_ns() * static_cast<double>(num_rows) >= kLongNs);
  if (observations.dtype() == nb::dtype<float>()) {
    network.evaluate(static_cast<const float*>(observations.data()), num_rows, outputs.data(), self.work);
  } else if (observations.dtype() == nb::dtype<std::uint8_t>()) {
    network.evaluate(static_cast<const std::uint8_t*>(observations.data()), num_rows, outputs.data(), self.work);
  } else {
    throw nb::type_error("observations of another type than float32 and uint8");
  }
}

}  // namespace

void bind_forward(nb::module_& module) {
  nb::class_<HostedNetwork>(module, "PolicyNetwork")
      .def("load", &load, nb::arg().noconvert())
      .def("evaluate", &evaluate, nb::arg().noconvert(), nb::arg().noconvert());
  module.def("make_network", &make_network);
}

}  // namespace heronry
