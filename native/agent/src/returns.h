// GAE and n-step returns on time-major [T, B] arrays without gaps; heronry.maths.returns says what they mean.
#pragma once

#include <cmath>
#include <cstdint>

namespace heronry {

struct Steps {
  const float* rewards;
  const bool* terminated;
  const bool* truncated;
  const bool* mask;
  std::int64_t num_steps;
  std::int64_t batch_size;
  float discount;
};

// Writes advantages [T, B]. Source: Schulman et al. 2016, equation 16.
inline void generalized_advantages(const Steps& steps, const float* values, const float* next_values, float gae_lambda,
                                   float* advantages) {
  for (std::int64_t t = steps.num_steps; t-- > 0;) {
    for (std::int64_t b = 0; b < steps.batch_size; ++b) {
      const std::int64_t i = t * steps.batch_size + b;
      const float counts = steps.mask[i] ? 1.0f : 0.0f;
      const float discount = steps.terminated[i] ? 0.0f : steps.discount;
      const float delta = (steps.rewards[i] + discount * next_values[i] - values[i]) * counts;
      const bool is_cut = steps.terminated[i] || steps.truncated[i];
      const float coefficient = is_cut ? 0.0f : discount * gae_lambda * counts;
      const bool is_last = t + 1 == steps.num_steps;
      advantages[i] = is_last ? delta : delta + coefficient * advantages[i + steps.batch_size];
    }
  }
}

// The n-step return of a window's first row, the bootstrapped value left out.
struct WindowReturn {
  float rewards;
  float discount;  // of the bootstrapped value: gamma^k, 0 after termination
  std::int64_t last;
};

inline WindowReturn window_return(const Steps& steps, std::int64_t lane) {
  float rewards = 0.0f;
  for (std::int64_t t = 0;; ++t) {
    const std::int64_t i = t * steps.batch_size + lane;
    rewards += steps.rewards[i] * std::pow(steps.discount, static_cast<float>(t));
    if (!steps.terminated[i] && !steps.truncated[i] && t + 1 < steps.num_steps) continue;
    const float discount = steps.terminated[i] ? 0.0f : std::pow(steps.discount, static_cast<float>(t + 1));
    return {rewards, discount, t};
  }
}

}  // namespace heronry
