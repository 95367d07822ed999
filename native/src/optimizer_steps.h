// Steps of the server optimisers; see heronry/native/optimizer_steps.py. Each operation rounds as NumPy's does.
#pragma once

#include <cmath>

#include "vector_clones.h"

namespace heronry {

template <typename Real>
struct SgdStep {
  const Real *newest, *difference, *velocity;
  Real rate, momentum;
  Real *out, *velocity_out;
};

template <bool kNesterov, typename Real>
HERONRY_IN_CLONE void sgd_piece(const SgdStep<Real>& step, std::size_t first, std::size_t end) {
  HERONRY_ELEMENTWISE
  for (std::size_t i = first; i < end; ++i) {
    const Real difference = step.difference[i];
    const Real velocity = step.velocity[i] * step.momentum + difference;
    const Real direction = kNesterov ? difference + velocity * step.momentum : velocity;
    step.out[i] = step.newest[i] + direction * step.rate;
    step.velocity_out[i] = velocity;
  }
}

template <typename Real>
HERONRY_VECTOR_CLONES double sgd_step(SgdStep<Real> step, bool is_nesterov, std::size_t count) {
  Largest<Real> largest;
  for (std::size_t first = 0; first < count; first += kPiece) {
    const std::size_t end = std::min(first + kPiece, count);
    if (is_nesterov)
      sgd_piece<true>(step, first, end);
    else
      sgd_piece<false>(step, first, end);
    largest.take(step.out + first, end - first);
  }
  return static_cast<double>(largest.value());
}

template <typename Real>
struct AdamStep {
  const Real *newest, *difference, *moment1, *moment2;
  Real rate, beta1, rest1, beta2, rest2, root_correction, epsilon;
  Real *out, *moment1_out, *moment2_out;
};

template <bool kYogi, typename Real>
HERONRY_IN_CLONE void adam_piece(const AdamStep<Real>& step, std::size_t first, std::size_t end) {
  HERONRY_ELEMENTWISE
  for (std::size_t i = first; i < end; ++i) {
    const Real difference = step.difference[i], old = step.moment2[i];
    const Real square = difference * difference, share = square * step.rest2;
    const Real moment1 = step.moment1[i] * step.beta1 + difference * step.rest1;
    Real moment2;
    if constexpr (kYogi) {
      const Real grown = old + share, shrunk = old - share;
      moment2 = old > square ? shrunk : (old < square ? grown : old);
    } else {
      moment2 = old * step.beta2 + share;
    }
    const Real root = std::sqrt(moment2) / step.root_correction + step.epsilon;
    step.out[i] = step.newest[i] + moment1 / root * step.rate;
    step.moment1_out[i] = moment1;
    step.moment2_out[i] = moment2;
  }
}

template <typename Real>
HERONRY_VECTOR_CLONES double adam_step(AdamStep<Real> step, bool is_yogi, std::size_t count) {
  Largest<Real> largest;
  for (std::size_t first = 0; first < count; first += kPiece) {
    const std::size_t end = std::min(first + kPiece, count);
    if (is_yogi)
      adam_piece<true>(step, first, end);
    else
      adam_piece<false>(step, first, end);
    largest.take(step.out + first, end - first);
  }
  return static_cast<double>(largest.value());
}

template <typename Real>
HERONRY_VECTOR_CLONES double adagrad_step(const Real* newest, const Real* difference, const Real* sums, Real rate,
                                          Real epsilon, Real* out, Real* sums_out, std::size_t count) {
  Largest<Real> largest;
  for (std::size_t first = 0; first < count; first += kPiece) {
    const std::size_t end = std::min(first + kPiece, count);
    HERONRY_ELEMENTWISE
    for (std::size_t i = first; i < end; ++i) {
      const Real step = difference[i], sum = sums[i] + step * step;
      out[i] = newest[i] + step / (std::sqrt(sum) + epsilon) * rate;
      sums_out[i] = sum;
    }
    largest.take(out + first, end - first);
  }
  return static_cast<double>(largest.value());
}

}  // namespace heronry
