// Passes over whole vectors; see heronry/native/vector_sums.py.
#pragma once

#include <cstring>

#include "past_cache.h"
#include "vector_clones.h"

namespace heronry {

struct Measure {
  double largest, squared_norm;
};

// Squares are summed in lanes: the compiler may not reorder a sum, and a long one in one number loses digits.
template <typename Real>
class Squares {
 public:
  HERONRY_IN_CLONE void take(const Real* piece, std::size_t length) {
    double lanes[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const double value = static_cast<double>(piece[i + lane]);
        lanes[lane] += value * value;
      }
    }
    for (; i < length; ++i) lanes[i % kLanes] += static_cast<double>(piece[i]) * static_cast<double>(piece[i]);
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums_[lane] += lanes[lane];
  }
  HERONRY_IN_CLONE double sum() const {
    double sum = 0;
    for (double lane : sums_) sum += lane;
    return sum;
  }

 private:
  static constexpr std::size_t kLanes = 32;

  double sums_[kLanes] = {};
};

// Each block adds one number to the sum: who goes on at the end of a block gets the sum of a single pass.
constexpr std::size_t kMeasuredBlock = 16384;

template <typename Real>
HERONRY_IN_CLONE double squares_of(const Real* block, std::size_t count, Largest<Real>& largest) {
  Squares<Real> squares;
  for (std::size_t first = 0; first < count; first += kPiece) {
    const std::size_t length = std::min(kPiece, count - first);
    largest.take(block + first, length);
    squares.take(block + first, length);
  }
  return squares.sum();
}

template <typename Real>
HERONRY_VECTOR_CLONES Measure measure(const Real* values, std::size_t count) {
  Measure result{0, 0};
  Largest<Real> largest;
  for (std::size_t first = 0; first < count; first += kMeasuredBlock)
    result.squared_norm += squares_of(values + first, std::min(kMeasuredBlock, count - first), largest);
  result.largest = static_cast<double>(largest.value());
  return result;
}

// The source has any alignment; each piece is measured on its way, in the first cache.
template <typename Real>
HERONRY_VECTOR_CLONES Measure copy_measured(const unsigned char* source, Real* out, std::size_t count,
                                            double squares, bool is_past_cache) {
  alignas(64) Real piece[kPiece];
  Largest<Real> largest;
  for (std::size_t block = 0; block < count; block += kMeasuredBlock) {
    const std::size_t end = std::min(block + kMeasuredBlock, count);
    Squares<Real> sums;
    for (std::size_t first = block; first < end; first += kPiece) {
      const std::size_t length = std::min(kPiece, end - first);
      std::memcpy(piece, source + first * sizeof(Real), length * sizeof(Real));
      largest.take(piece, length);
      sums.take(piece, length);
      if (is_past_cache) {
        copy_past_cache(piece, out + first, length * sizeof(Real));
      } else {
        std::memcpy(out + first, piece, length * sizeof(Real));
      }
    }
    squares += sums.sum();
  }
  if (is_past_cache) finish_past_cache();
  return {static_cast<double>(largest.value()), squares};
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

// Sources that a processor reads side by side without losing pace.
constexpr std::size_t kFew = 4;

// Long enough for the memory to stream from each source, short enough for the sum to stay in the second cache.
constexpr std::size_t kTile = 16384;

template <typename Real>
HERONRY_IN_CLONE void sum_tile(const Real* const* sources, const Real* weights, std::size_t num_sources,
                               std::size_t first, std::size_t length, bool onto, Real* __restrict sum) {
  std::size_t source = 0;
  if (!onto && num_sources > 0) set_one(sources[source++] + first, weights[0], length, sum);
  for (; source + 4 <= num_sources; source += 4) add_four(sources + source, weights + source, first, length, sum);
  for (; source < num_sources; ++source) add_one(sources[source] + first, weights[source], length, sum);
}

template <typename Real>
HERONRY_VECTOR_CLONES void weighted_sum(const Real* const* sources, const Real* weights, std::size_t num_sources,
                                        Real* out, std::size_t count, bool onto) {
  if (num_sources == 0 && !onto) std::fill_n(out, count, Real{0});
  for (std::size_t first = 0; first < count; first += kTile)
    sum_tile(sources, weights, num_sources, first, std::min(kTile, count - first), onto, out + first);
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

// `newest * keep + sum * scale` with a sum of few sources: all are read side by side, and nothing is stored between.
template <std::size_t kNumSources, typename Real>
HERONRY_IN_CLONE void apply_few(const Real* newest, const Real* const* sources, const Real* weights, Real keep,
                                Real scale, Real* out, std::size_t length) {
  const Real *a = sources[0], *b = sources[1], *c = sources[2], *d = sources[3];
  const Real wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
  HERONRY_ELEMENTWISE
  for (std::size_t i = 0; i < length; ++i) {
    Real sum = a[i] * wa;
    if constexpr (kNumSources > 1) sum += b[i] * wb;
    if constexpr (kNumSources > 2) sum += c[i] * wc;
    if constexpr (kNumSources > 3) sum += d[i] * wd;
    out[i] = newest[i] * keep + sum * scale;
  }
}

// Elements [begin, end) of `weighted_sum` and `apply_difference` in one; at least one source.
template <typename Real>
HERONRY_VECTOR_CLONES double apply_sum(const Real* newest, const Real* const* sources, const Real* weights,
                                       std::size_t num_sources, Real keep, Real scale, Real* out, std::size_t begin,
                                       std::size_t end) {
  // The sum of those that are too many is one more source, as it is.
  const std::size_t num_early = num_sources > kFew ? num_sources - kFew + 1 : 0;
  Real early[kPiece];
  Largest<Real> largest;
  for (std::size_t first = begin; first < end; first += kPiece) {
    const std::size_t length = std::min(kPiece, end - first);
    const Real* few[kFew] = {early};
    Real factors[kFew] = {Real{1}};
    if (num_early > 0) sum_tile(sources, weights, num_early, first, length, false, early);
    std::size_t num_few = num_early > 0;
    for (std::size_t source = num_early; source < num_sources; ++source, ++num_few) {
      few[num_few] = sources[source] + first;
      factors[num_few] = weights[source];
    }
    if (num_few == 1) apply_few<1>(newest + first, few, factors, keep, scale, out + first, length);
    if (num_few == 2) apply_few<2>(newest + first, few, factors, keep, scale, out + first, length);
    if (num_few == 3) apply_few<3>(newest + first, few, factors, keep, scale, out + first, length);
    if (num_few == 4) apply_few<4>(newest + first, few, factors, keep, scale, out + first, length);
    largest.take(out + first, length);
  }
  return static_cast<double>(largest.value());
}

}  // namespace heronry
