// What a policy head's outputs say about actions. Axes: S samples, A outputs, C components of an action.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

namespace heronry {

// log(2 pi) / 2
inline const double kHalfLog2Pi = 0.5 * std::log(2.0 * std::numbers::pi);

struct PolicyOutputs {
  at::Tensor policy;                      // [S, A], logits or means
  at::Tensor log_std;                     // [A] of a Gaussian policy, undefined for a categorical one
  at::Tensor action_mask;                 // [S, A] bool, undefined where every choice is allowed
  std::vector<std::int64_t> num_choices;  // of each component of a categorical action
};

struct PolicyTerms {
  at::Tensor log_probabilities;  // [S]
  at::Tensor entropy;            // mean over samples
};

// Logits with what is not allowed as far down as numbers go: its probability and gradient are 0, and p log p is 0.
inline at::Tensor allowed_logits(const at::Tensor& logits, const at::Tensor& action_mask) {
  if (!action_mask.defined()) return logits;
  return logits.masked_fill(action_mask.logical_not(), std::numeric_limits<float>::lowest());
}

// Independent categoricals, one a component; actions [S] or [S, C]. Detached where no gradient needs the entropy.
inline PolicyTerms categorical_terms(const PolicyOutputs& outputs, const at::Tensor& actions, bool needs_entropy) {
  const auto parts = allowed_logits(outputs.policy, outputs.action_mask).split_with_sizes(outputs.num_choices, 1);
  const auto num_components = static_cast<std::int64_t>(parts.size());
  const at::Tensor columns = actions.reshape({actions.size(0), num_components});
  PolicyTerms total;
  for (std::size_t c = 0; c < parts.size(); ++c) {
    const at::Tensor log_softmax = at::log_softmax(parts[c], 1);
    const at::Tensor chosen = log_softmax.gather(1, columns.narrow(1, static_cast<std::int64_t>(c), 1)).select(1, 0);
    const at::Tensor terms = needs_entropy ? log_softmax : log_softmax.detach();
    const at::Tensor entropy = -(terms.exp() * terms).sum(1).mean();
    total.log_probabilities = c == 0 ? chosen : total.log_probabilities + chosen;
    total.entropy = c == 0 ? entropy : total.entropy + entropy;
  }
  return total;
}

// Independent normals; actions [S, A].
inline PolicyTerms gaussian_terms(const PolicyOutputs& outputs, const at::Tensor& actions) {
  const at::Tensor normal = (actions - outputs.policy) * at::exp(-outputs.log_std);
  const at::Tensor density = -0.5 * normal.square() - outputs.log_std - kHalfLog2Pi;
  return {density.sum(1), (outputs.log_std + (kHalfLog2Pi + 0.5)).sum()};
}

inline PolicyTerms policy_terms(const PolicyOutputs& outputs, const at::Tensor& actions, bool needs_entropy) {
  return outputs.log_std.defined() ? gaussian_terms(outputs, actions)
                                   : categorical_terms(outputs, actions, needs_entropy);
}

// Draws actions, or takes the likeliest: int64 [S] or [S, C], float32 [S, A] of a Gaussian policy.
inline at::Tensor choose(const PolicyOutputs& outputs, bool greedy, at::Generator generator) {
  if (outputs.log_std.defined()) {
    if (greedy) return outputs.policy;
    const at::Tensor normal = at::randn(outputs.policy.sizes(), generator, outputs.policy.options());
    return outputs.policy + at::exp(outputs.log_std) * normal;
  }
  const at::Tensor logits = allowed_logits(outputs.policy, outputs.action_mask);
  // The largest of logits plus Gumbel noise is distributed as softmax. Source: Maddison et al. 2014, section 2.
  const at::Tensor scores = greedy ? logits : logits - at::empty_like(logits).exponential_(1.0, generator).log();
  const auto parts = scores.split_with_sizes(outputs.num_choices, 1);
  if (parts.size() == 1) return parts[0].argmax(1);
  std::vector<at::Tensor> chosen;
  for (const at::Tensor& part : parts) chosen.push_back(part.argmax(1));
  return at::stack(chosen, 1);
}

// Replaces actions by any allowed one, each with probability `epsilon`.
inline at::Tensor explore(const at::Tensor& actions, const PolicyOutputs& outputs, double epsilon,
                          at::Generator generator) {
  PolicyOutputs even = outputs;
  even.policy = at::zeros_like(outputs.policy);
  at::Tensor explores = at::rand({actions.size(0)}, generator, outputs.policy.options()) < epsilon;
  if (actions.dim() > 1) explores = explores.unsqueeze(1);
  return at::where(explores, choose(even, false, generator), actions);
}

}  // namespace heronry
