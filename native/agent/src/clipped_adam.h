// The twin of heronry.algorithms.optimizer.ClippedAdam: the same operations in the same order.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>

namespace heronry {

// Adam behind a bound on the gradient's L2 norm. Source: Kingma and Ba 2015, Algorithm 1.
class ClippedAdam {
 public:
  ClippedAdam(const at::Tensor& flat, double learning_rate, double epsilon, double max_gradient_norm)
      : learning_rate(learning_rate),
        flat_(flat),
        values_(flat.detach()),
        epsilon_(epsilon),
        max_norm_(max_gradient_norm),
        first_(at::zeros_like(values_)),
        second_(at::zeros_like(values_)) {}

  void step(const at::Tensor& loss) {
    const at::Tensor gradient = torch::autograd::grad({loss}, {flat_})[0];
    const at::Tensor clipped = at::renorm(gradient.unsqueeze(0), 2, 0, max_norm_)[0];
    ++num_steps_;
    first_.lerp_(clipped, 1 - kBeta1);
    second_.mul_(kBeta2).addcmul_(clipped, clipped, 1 - kBeta2);
    const double unbias = 1 / std::sqrt(1 - std::pow(kBeta2, num_steps_));
    const at::Tensor root = second_.sqrt().mul_(unbias).add_(epsilon_);
    values_.addcdiv_(first_, root, -learning_rate / (1 - std::pow(kBeta1, num_steps_)));
  }

  double learning_rate;

 private:
  static constexpr double kBeta1 = 0.9;
  static constexpr double kBeta2 = 0.999;

  at::Tensor flat_;
  at::Tensor values_;
  double epsilon_;
  double max_norm_;
  at::Tensor first_;
  at::Tensor second_;
  std::int64_t num_steps_ = 0;
};

}  // namespace heronry
