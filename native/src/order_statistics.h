// Order statistics of each coordinate; see heronry/native/order_statistics.py.
#pragma once

#include <cstring>

#include "sorting_network.h"
#include "vector_clones.h"

namespace heronry {

// Coordinates of a tile: 64 rows of it fill the first cache.
constexpr std::size_t kTileWidth = 128;

template <typename Real>
struct MiddleRows {
  const Real* const* sources;
  std::size_t num_rows, first_rank, last_rank;
  const CompareExchange* network;
  std::size_t num_steps;
  Real* tile;  // [num_rows, kTileWidth]
  Real* out;
};

template <typename Real>
HERONRY_IN_CLONE void sort_tile(const MiddleRows<Real>& middle) {
  for (std::size_t i = 0; i < middle.num_steps; ++i) {
    const CompareExchange step = middle.network[i];
    Real* __restrict low = middle.tile + step.low * kTileWidth;
    Real* __restrict high = middle.tile + step.high * kTileWidth;
    if (step.needs_low && step.needs_high) {
      for (std::size_t c = 0; c < kTileWidth; ++c) {
        const Real a = low[c], b = high[c];
        low[c] = b < a ? b : a;
        high[c] = b < a ? a : b;
      }
    } else if (step.needs_low) {
      for (std::size_t c = 0; c < kTileWidth; ++c) low[c] = high[c] < low[c] ? high[c] : low[c];
    } else {
      for (std::size_t c = 0; c < kTileWidth; ++c) high[c] = high[c] < low[c] ? low[c] : high[c];
    }
  }
}

// The mean of ranks first_rank to last_rank, added in ascending order.
template <typename Real>
HERONRY_VECTOR_CLONES void mean_of_middle(MiddleRows<Real> middle, std::size_t count) {
  const Real divisor = static_cast<Real>(middle.last_rank - middle.first_rank + 1);
  for (std::size_t first = 0; first < count; first += kTileWidth) {
    const std::size_t width = std::min(kTileWidth, count - first);
    for (std::size_t row = 0; row < middle.num_rows; ++row)
      std::memcpy(middle.tile + row * kTileWidth, middle.sources[row] + first, width * sizeof(Real));
    sort_tile(middle);
    Real* __restrict sum = middle.tile + middle.first_rank * kTileWidth;
    for (std::size_t rank = middle.first_rank + 1; rank <= middle.last_rank; ++rank) {
      const Real* __restrict row = middle.tile + rank * kTileWidth;
      for (std::size_t c = 0; c < kTileWidth; ++c) sum[c] += row[c];
    }
    for (std::size_t c = 0; c < kTileWidth; ++c) sum[c] /= divisor;
    std::memcpy(middle.out + first, sum, width * sizeof(Real));
  }
}

}  // namespace heronry
