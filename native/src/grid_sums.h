// Sums on an integer grid; see heronry/native/grid_sums.py.
#pragma once

#include <cmath>

#include "vector_clones.h"

namespace heronry {

// Added to a double of up to kRoundable it rounds it to an integer, half to even, and leaves that integer in the lowest
// bits: two operations that any instruction set has for several doubles at a time, and one pass at memory's pace.
constexpr double kRounder = 0x1.8p52;
constexpr double kRoundable = 0x1p51;

// A quotient by a power of two is a product with its inverse, to the last bit: both round the same number once.
inline bool has_exact_inverse(double step) {
  int exponent = 0;
  return std::frexp(step, &exponent) == 0.5 && exponent > -1000 && exponent < 1000;
}

template <bool kIsInverse>
HERONRY_IN_CLONE double in_steps(double value, double weight, double step) {
  return kIsInverse ? value * weight * step : value * weight / step;
}

template <bool kIsInverse, typename Real>
HERONRY_IN_CLONE std::int64_t rounded(Real value, double weight, double step) {
  const double shifted = in_steps<kIsInverse>(static_cast<double>(value), weight, step) + kRounder;
  return std::bit_cast<std::int64_t>(shifted) - std::bit_cast<std::int64_t>(kRounder);
}

// Sources that a processor reads side by side without losing pace.
constexpr std::size_t kGridSources = 4;

template <bool kIsInverse, std::size_t kNumSources, typename Real>
HERONRY_IN_CLONE void add_roundable(std::int64_t* __restrict total, const Real* const* sources, const double* weights,
                                    double step, std::size_t first, std::size_t end) {
  const Real *a = sources[0], *b = sources[1], *c = sources[2], *d = sources[3];
  const double wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
  HERONRY_ELEMENTWISE
  for (std::size_t i = first; i < end; ++i) {
    std::int64_t sum = rounded<kIsInverse>(a[i], wa, step);
    if constexpr (kNumSources > 1) sum += rounded<kIsInverse>(b[i], wb, step);
    if constexpr (kNumSources > 2) sum += rounded<kIsInverse>(c[i], wc, step);
    if constexpr (kNumSources > 3) sum += rounded<kIsInverse>(d[i], wd, step);
    total[i] += sum;
  }
}

template <bool kIsInverse, typename Real>
HERONRY_IN_CLONE bool is_roundable(const Real* source, double weight, double step, std::size_t first, std::size_t end) {
  Largest<Real> largest;
  largest.take(source + first, end - first);
  // Rounding keeps the order: no element of the piece is above this.
  return std::fabs(in_steps<kIsInverse>(static_cast<double>(largest.value()), weight, step)) <= kRoundable;
}

// At most kGridSources sources, piece by piece: `total` is read and written once for all of them.
template <bool kIsInverse, std::size_t kNumSources, typename Real>
HERONRY_IN_CLONE void grid_add_few(std::int64_t* __restrict total, const Real* const* sources, const double* weights,
                                   double step, std::size_t count) {
  // All of them together stay in the first cache from the look at them to the sum.
  constexpr std::size_t kEach = kPiece / kNumSources;
  for (std::size_t first = 0; first < count; first += kEach) {
    const std::size_t end = std::min(first + kEach, count);
    bool are_roundable = true;
    for (std::size_t k = 0; k < kNumSources; ++k)
      are_roundable &= is_roundable<kIsInverse>(sources[k], weights[k], step, first, end);
    if (are_roundable) {
      add_roundable<kIsInverse, kNumSources>(total, sources, weights, step, first, end);
      continue;
    }
    for (std::size_t k = 0; k < kNumSources; ++k) {
      for (std::size_t i = first; i < end; ++i) {
        const double steps = in_steps<kIsInverse>(static_cast<double>(sources[k][i]), weights[k], step);
        total[i] += static_cast<std::int64_t>(std::rint(steps));
      }
    }
  }
}

template <bool kIsInverse, typename Real>
HERONRY_IN_CLONE void grid_add_by(std::int64_t* __restrict total, const Real* const* sources, const double* weights,
                                  std::size_t num_sources, double step, std::size_t count) {
  for (std::size_t source = 0; source < num_sources; source += kGridSources) {
    const Real* few[kGridSources] = {};
    double factors[kGridSources] = {};
    const std::size_t num_few = std::min(kGridSources, num_sources - source);
    std::copy_n(sources + source, num_few, few);
    std::copy_n(weights + source, num_few, factors);
    if (num_few == 1) grid_add_few<kIsInverse, 1>(total, few, factors, step, count);
    if (num_few == 2) grid_add_few<kIsInverse, 2>(total, few, factors, step, count);
    if (num_few == 3) grid_add_few<kIsInverse, 3>(total, few, factors, step, count);
    if (num_few == 4) grid_add_few<kIsInverse, 4>(total, few, factors, step, count);
  }
}

template <typename Real>
HERONRY_VECTOR_CLONES void grid_add(std::int64_t* __restrict total, const Real* const* sources, const double* weights,
                                    std::size_t num_sources, double step, std::size_t count) {
  if (has_exact_inverse(step)) {
    grid_add_by<true>(total, sources, weights, num_sources, 1 / step, count);
  } else {
    grid_add_by<false>(total, sources, weights, num_sources, step, count);
  }
}

template <typename Real>
HERONRY_VECTOR_CLONES void grid_mean(const std::int64_t* __restrict total, double step, double denominator,
                                     Real* __restrict out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<Real>(static_cast<double>(total[i]) * step / denominator);
}

}  // namespace heronry
