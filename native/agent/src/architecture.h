// The shape of a network: heronry.maths.network_spec.NetworkSpec in C++, with the same names in the same order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "refusal.h"

namespace heronry {

struct Head {
  std::string name;
  std::int64_t num_outputs;
};

// Over pictures [height, width, channels], without padding.
struct Convolution {
  std::int64_t channels;
  std::int64_t kernel;
  std::int64_t stride;

  Shape output_shape(const Shape& picture) const {
    return {(picture[0] - kernel) / stride + 1, (picture[1] - kernel) / stride + 1, channels};
  }
};

struct TensorShape {
  std::string name;
  Shape shape;
};

struct Architecture {
  Shape observation_shape;
  std::int64_t observation_high;  // the byte that counts as 1
  std::vector<Convolution> convolutions;
  std::vector<std::int64_t> hidden;
  std::string activation;
  std::vector<Head> heads;
  bool has_log_std;
  // Choices of each component of an action; empty when actions are reals.
  std::vector<std::int64_t> num_choices;

  std::int64_t observation_size() const { return size_of(observation_shape); }

  bool has(const std::string& head) const {
    for (const Head& one : heads) {
      if (one.name == head) return true;
    }
    return false;
  }

  std::int64_t num_outputs(const std::string& head) const {
    std::string names;
    for (const Head& one : heads) {
      if (one.name == head) return one.num_outputs;
      names += (names.empty() ? "" : ", ") + one.name;
    }
    throw Refusal("head", head, names);
  }

  // The head that chooses actions.
  std::string acting_head() const { return has("policy") ? "policy" : "q"; }

  std::vector<TensorShape> shapes() const {
    std::vector<TensorShape> all;
    for (const Head& head : heads) {
      Shape shown = observation_shape;
      for (std::size_t i = 0; i < convolutions.size(); ++i) {
        const auto& [channels, kernel, stride] = convolutions[i];
        const std::string prefix = head.name + "/convolution_" + std::to_string(i);
        all.push_back({prefix + "/weight", {channels, kernel, kernel, shown[2]}});
        all.push_back({prefix + "/bias", {channels}});
        shown = convolutions[i].output_shape(shown);
      }
      std::int64_t inputs = size_of(shown);
      for (std::size_t layer = 0; layer <= hidden.size(); ++layer) {
        const bool is_last = layer == hidden.size();
        const std::int64_t outputs = is_last ? head.num_outputs : hidden[layer];
        const std::string prefix = head.name + "/" + (is_last ? "head" : std::to_string(layer));
        all.push_back({prefix + "/weight", {outputs, inputs}});
        all.push_back({prefix + "/bias", {outputs}});
        inputs = outputs;
      }
      if (head.name == "policy" && has_log_std) all.push_back({"policy/log_std", {head.num_outputs}});
    }
    return all;
  }
};

}  // namespace heronry
