// Passes over whole vectors; see heronry/native/vector_sums.py.
#pragma once

#include "vector_clones.h"

namespace heronry {

struct Measure {
  double largest, squared_norm;
};

// Squares are summed in lanes: the compiler may not reorder a sum, and a long one in one number loses digits.
template <typename Real>
HERONRY_VECTOR_CLONES Measure measure(const Real* values, std::size_t count) {
  constexpr std::size_t kLanes = 32;
  Largest<Real> largest;
  double sums[kLanes] = {};
  for (std::size_t first = 0; first < count; first += kPiece) {
    const Real* piece = values + first;
    const std::size_t length = std::min(kPiece, count - first);
    largest.take(piece, length);
    double lanes[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const double value = static_cast<double>(piece[i + lane]);
        lanes[lane] += value * value;
      }
    }
    for (; i < length; ++i) lanes[i % kLanes] += static_cast<double>(piece[i]) * static_cast<double>(piece[i]);
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += lanes[lane];
  }
  double sum = 0;
  for (double lane : sums) sum += lane;
  return {static_cast<double>(largest.value()), sum};
}

// Four sources at a time: `out` is read and written once for all of them, each addition rounded in its turn.
template <typename Real>
HERONRY_IN_CLONE void add_four(const Real* const* sources, const Real* weights, std::size_t first, std::size_t count,
                               Real* __restrict out) {
  const Real *a = sources[0] + first, *b = sources[1] + first, *c = sources[2] + first, *d = sources[3] + first;
  const Real wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
  for (std::size_t i = 0; i < count; ++i) {
    Real sum = out[i] + a[i] * wa;
    sum += b[i] * wb;
    sum += c[i] * wc;
    out[i] = sum + d[i] * wd;
  }
}

template <typename Real>
HERONRY_IN_CLONE void add_one(const Real* source, Real weight, std::size_t count, Real* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] += source[i] * weight;
}

template <typename Real>
HERONRY_IN_CLONE void set_one(const Real* source, Real weight, std::size_t count, Real* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = source[i] * weight;
}

template <typename Real>
HERONRY_VECTOR_CLONES void weighted_sum(const Real* const* sources, const Real* weights, std::size_t num_sources,
                                        Real* out, std::size_t count, bool onto) {
  // Long enough for the memory to stream from each source, short enough for `out` to stay in the second cache.
  constexpr std::size_t kTile = 16384;
  if (num_sources == 0 && !onto) std::fill_n(out, count, Real{0});
  for (std::size_t first = 0; first < count; first += kTile) {
    const std::size_t length = std::min(kTile, count - first);
    std::size_t source = 0;
    if (!onto && num_sources > 0) set_one(sources[source++] + first, weights[0], length, out + first);
    for (; source + 4 <= num_sources; source += 4)
      add_four(sources + source, weights + source, first, length, out + first);
    for (; source < num_sources; ++source) add_one(sources[source] + first, weights[source], length, out + first);
  }
}

template <typename Real>
HERONRY_VECTOR_CLONES double apply_difference(const Real* newest, const Real* total, Real keep, Real scale, Real* out,
                                              std::size_t count) {
  Largest<Real> largest;
  for (std::size_t first = 0; first < count; first += kPiece) {
    const std::size_t end = std::min(first + kPiece, count);
    HERONRY_ELEMENTWISE
    for (std::size_t i = first; i < end; ++i) out[i] = newest[i] * keep + total[i] * scale;
    largest.take(out + first, end - first);
  }
  return static_cast<double>(largest.value());
}

}  // namespace heronry
