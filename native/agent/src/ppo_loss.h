// The twin of heronry.algorithms.ppo.loss. S samples.
#pragma once

#include <ATen/ATen.h>

#include "distributions.h"
#include "learner.h"

namespace heronry {

// Rows to learn from; [S, ...] each.
struct Samples {
  at::Tensor observations;
  at::Tensor actions;
  at::Tensor log_probabilities;
  at::Tensor advantages;
  at::Tensor returns;
  at::Tensor action_mask;  // undefined where every choice is allowed

  std::int64_t size() const { return observations.size(0); }

  Samples take(const at::Tensor& rows) const {
    const auto of = [&rows](const at::Tensor& column) { return column.index_select(0, rows); };
    return {of(observations), of(actions), of(log_probabilities), of(advantages), of(returns),
            action_mask.defined() ? of(action_mask) : action_mask};
  }
};

struct Coefficients {
  double clip;
  double value;
  double entropy;
};

struct Loss {
  at::Tensor total;
  at::Tensor policy;
  at::Tensor value;
  at::Tensor entropy;
  at::Tensor log_ratios;
};

// The clipped surrogate loss. Source: Schulman et al. 2017, equations 7 and 9.
inline Loss ppo_loss(const PolicyOutputs& outputs, const at::Tensor& values, const Samples& samples,
                     const at::Tensor& advantages, const Coefficients& coefficients) {
  const PolicyTerms terms = policy_terms(outputs, samples.actions, coefficients.entropy > 0);
  const at::Tensor log_ratios = terms.log_probabilities - samples.log_probabilities;
  const at::Tensor ratios = log_ratios.exp();
  const at::Tensor clipped = ratios.clamp(1 - coefficients.clip, 1 + coefficients.clip);
  const at::Tensor policy = -at::min(ratios * advantages, clipped * advantages).mean();
  const at::Tensor value = at::mse_loss(values, samples.returns);
  at::Tensor total = at::add(policy, value, coefficients.value);
  if (coefficients.entropy > 0) total = at::sub(total, terms.entropy, coefficients.entropy);
  return {total, policy, value, terms.entropy, log_ratios};
}

// Mean 0 and standard deviation 1; a single one is left alone.
inline at::Tensor normalized(const at::Tensor& advantages) {
  if (advantages.size(0) < 2) return advantages;
  return (advantages - advantages.mean()) / (advantages.std() + 1e-8);
}

// mean((r - 1) - log r)
inline at::Tensor approximate_kl(const at::Tensor& log_ratios) { return (at::expm1(log_ratios) - log_ratios).mean(); }

// Of the update's last minibatch, as the Python learner reports them.
inline Figures figures_of(const Loss& loss, double clip) {
  const at::Tensor log_ratios = loss.log_ratios.detach();
  const at::Tensor is_clipped = (log_ratios.exp() - 1).abs() > clip;
  return {{"loss", loss.total.item<double>()},
          {"policy_loss", loss.policy.item<double>()},
          {"value_loss", loss.value.item<double>()},
          {"entropy", loss.entropy.item<double>()},
          {"approximate_kl", approximate_kl(log_ratios).item<double>()},
          {"clip_fraction", is_clipped.to(at::kFloat).mean().item<double>()}};
}

}  // namespace heronry
