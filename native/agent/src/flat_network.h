// The twin of heronry.algorithms.networks.FlatNetwork: every tensor is a view of one vector that collects gradients.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>
#include <vector>

#include "architecture.h"
#include "tensors.h"

namespace heronry {

// Observations of any leading axes as network inputs [rows, size] float32; bytes are scaled to [0, 1].
inline at::Tensor inputs_of(const at::Tensor& observations, const Architecture& architecture) {
  const std::int64_t size = architecture.observation_size();
  const at::Tensor values = observations.to(at::kFloat).reshape({observations.numel() / size, size});
  const double unit = 1.0 / static_cast<double>(architecture.observation_high);
  return observations.scalar_type() == at::kByte ? values * unit : values;
}

class FlatNetwork {
 public:
  explicit FlatNetwork(const Architecture& architecture)
      : architecture_(architecture), shapes_(architecture.shapes()) {
    std::int64_t total = 0;
    for (const TensorShape& one : shapes_) {
      sizes_.push_back(size_of(one.shape));
      total += sizes_.back();
    }
    flat_ = at::zeros({total}, at::kFloat);
    flat_.set_requires_grad(true);
    weights_ = named_parts(flat_.detach());
  }

  const at::Tensor& flat() const { return flat_; }

  // Takes other weights; they are copied. Refuses, changing nothing, what is not exactly this network's.
  void load(const Tensors& tensors) {
    check(tensors);
    at::NoGradGuard no_gradient;
    const auto views = flat_.split_with_sizes(sizes_);
    for (std::size_t i = 0; i < shapes_.size(); ++i) views[i].copy_(tensors.at(shapes_[i].name).reshape(-1));
  }

  void copy_from(const FlatNetwork& other) {
    at::NoGradGuard no_gradient;
    flat_.copy_(other.flat_);
  }

  // The weights by name as views, through which gradients flow.
  Tensors views() const { return named_parts(flat_); }

  // The same without gradients; made once, for acting is many small calls.
  const Tensors& weights() const { return weights_; }

  // A head's outputs [B, n] for flattened observations [B, size].
  at::Tensor forward(const std::string& head, const Tensors& views, const at::Tensor& observations) const {
    at::Tensor values = convolved(head, views, observations);
    for (std::size_t layer = 0; layer < architecture_.hidden.size(); ++layer) {
      values = activate(apply(head + "/" + std::to_string(layer), views, values));
    }
    return apply(head + "/head", views, values);
  }

 private:
  Tensors named_parts(const at::Tensor& flat) const {
    Tensors named;
    const auto parts = flat.split_with_sizes(sizes_);
    for (std::size_t i = 0; i < shapes_.size(); ++i) named[shapes_[i].name] = parts[i].view(shapes_[i].shape);
    return named;
  }

  // Pictures lie with their channels last, in storage and between layers; torch's axes have them second.
  at::Tensor convolved(const std::string& head, const Tensors& views, const at::Tensor& observations) const {
    if (architecture_.convolutions.empty()) return observations;
    Shape shape = architecture_.observation_shape;
    shape.insert(shape.begin(), observations.size(0));
    at::Tensor pictures = observations.view(shape).permute({0, 3, 1, 2});
    for (std::size_t i = 0; i < architecture_.convolutions.size(); ++i) {
      const std::string prefix = head + "/convolution_" + std::to_string(i);
      const at::Tensor weight = views.at(prefix + "/weight").permute({0, 3, 1, 2});
      const at::Tensor& bias = views.at(prefix + "/bias");
      pictures = activate(at::conv2d(pictures, weight, bias, architecture_.convolutions[i].stride));
    }
    return pictures.permute({0, 2, 3, 1}).flatten(1);
  }

  static at::Tensor apply(const std::string& prefix, const Tensors& views, const at::Tensor& values) {
    return at::addmm(views.at(prefix + "/bias"), values, views.at(prefix + "/weight").t());
  }

  at::Tensor activate(const at::Tensor& values) const {
    if (architecture_.activation == "tanh") return at::tanh(values);
    return architecture_.activation == "relu" ? at::relu(values) : at::elu(values);
  }

  void check(const Tensors& tensors) const {
    std::string names;
    for (const auto& [name, tensor] : tensors) names += (names.empty() ? "" : ", ") + name;
    for (const TensorShape& one : shapes_) {
      const auto found = tensors.find(one.name);
      if (found == tensors.end()) {
        throw SchemaRefusal("tensors", names, "a tensor '" + one.name + "' of shape " + text_of(one.shape));
      }
      const at::Tensor& tensor = found->second;
      const std::string field = "tensors." + one.name;
      if (tensor.sizes() != at::IntArrayRef(one.shape)) {
        throw SchemaRefusal(field + ".shape", tensor.sizes().vec(), text_of(one.shape));
      }
      if (tensor.scalar_type() != at::kFloat) {
        throw SchemaRefusal(field + ".dtype", std::string(c10::toString(tensor.scalar_type())), "float32");
      }
    }
    if (tensors.size() == shapes_.size()) return;
    std::string known;
    for (const TensorShape& one : shapes_) known += (known.empty() ? "" : ", ") + one.name;
    throw SchemaRefusal("tensors", names, "no others than " + known);
  }

  Architecture architecture_;
  std::vector<TensorShape> shapes_;
  std::vector<std::int64_t> sizes_;
  at::Tensor flat_;
  Tensors weights_;
};

}  // namespace heronry
