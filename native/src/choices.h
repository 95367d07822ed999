// How an action is drawn from a network's outputs; see heronry/maths/policies.py, whose choices these are bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace heronry {

// Random numbers of one unroll; rows are steps times lanes.
struct Randoms {
  const float* gumbel = nullptr;        // [rows, outputs]: a softmax is sampled by the largest sum
  const float* deviation = nullptr;     // [rows, outputs]: of reals from the outputs, their means
  const bool* explores = nullptr;       // [rows]: takes a random choice instead of the best
  const std::int64_t* action = nullptr; // [rows]: that random choice
};

// What is not allowed gets -inf; whether anything is left.
inline bool mask_outputs(float* outputs, const bool* mask, std::size_t num_outputs) {
  bool is_any = false;
  for (std::size_t j = 0; j < num_outputs; ++j) {
    if (!mask[j]) outputs[j] = -std::numeric_limits<float>::infinity();
    is_any |= mask[j];
  }
  return is_any;
}

// The first of the largest sums.
inline std::int64_t largest(const float* outputs, const float* noise, std::size_t num_outputs) {
  std::size_t best = 0;
  float best_value = noise ? noise[0] + outputs[0] : outputs[0];
  for (std::size_t j = 1; j < num_outputs; ++j) {
    const float value = noise ? noise[j] + outputs[j] : outputs[j];
    if (value > best_value) {
      best = j;
      best_value = value;
    }
  }
  return static_cast<std::int64_t>(best);
}

// The allowed choice of that number modulo how many there are; something is allowed.
inline std::int64_t nth_allowed(const bool* mask, std::size_t num_outputs, std::int64_t number) {
  std::int64_t num_allowed = 0;
  for (std::size_t j = 0; j < num_outputs; ++j) num_allowed += mask[j];
  std::int64_t left = number % num_allowed;
  for (std::size_t j = 0;; ++j) {
    if (mask[j] && left-- == 0) return static_cast<std::int64_t>(j);
  }
}

inline std::int64_t choice(const Randoms& randoms, std::size_t row, const float* outputs, const bool* mask,
                           std::size_t num_outputs) {
  if (randoms.explores && randoms.explores[row]) {
    return mask ? nth_allowed(mask, num_outputs, randoms.action[row]) : randoms.action[row];
  }
  return largest(outputs, randoms.gumbel ? randoms.gumbel + row * num_outputs : nullptr, num_outputs);
}

}  // namespace heronry
