// Observations of many rows as lanes: number i of every row side by side.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "forward.h"
#include "vector_clones.h"

namespace heronry {

// Sixteen bytes of one row, or one byte of each of sixteen rows.
using LaneBytes = std::uint8_t __attribute__((vector_size(kLanes)));

// Bytes 0 to 7, or 8 to 15, of two vectors by turns.
HERONRY_IN_CLONE LaneBytes low_halves(const LaneBytes& a, const LaneBytes& b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#else
  return __builtin_shuffle(a, b, LaneBytes{0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23});
#endif
}

HERONRY_IN_CLONE LaneBytes high_halves(const LaneBytes& a, const LaneBytes& b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#else
  return __builtin_shuffle(a, b, LaneBytes{8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31});
#endif
}

// Sixteen rows of sixteen bytes, transposed: four times, halves that lie eight rows apart are taken by turns.
HERONRY_IN_CLONE void transpose(std::array<LaneBytes, kLanes>& tile) {
  for (int stage = 0; stage < 4; ++stage) {
    std::array<LaneBytes, kLanes> next;
    for (std::size_t i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = low_halves(tile[i], tile[i + kLanes / 2]);
      next[2 * i + 1] = high_halves(tile[i], tile[i + kLanes / 2]);
    }
    tile = next;
  }
}

// Where the numbers of up to sixteen rows lie, `row_size` apart. Lanes without a row hold anything finite; what
// becomes of them is not read.
template <typename Element>
struct RowsOfLanes {
  const Element* first;
  std::size_t row_size, num_rows;

  const Element* row(std::size_t lane) const { return first + std::min(lane, num_rows - 1) * row_size; }
};

template <typename Element>
HERONRY_IN_CLONE void spread_each(const RowsOfLanes<Element>& rows, std::size_t begin, std::size_t end, float scale,
                                  Lanes* out) {
  float* values = reinterpret_cast<float*>(out);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const Element* from = rows.row(lane);
    for (std::size_t i = begin; i < end; ++i) {
      const float value = static_cast<float>(from[i]);
      values[(i - begin) * kLanes + lane] = sizeof(Element) == 1 ? value * scale : value;
    }
  }
}

// Numbers [begin, end) of every row to out[0] and on.
HERONRY_IN_CLONE void spread(const RowsOfLanes<float>& rows, std::size_t begin, std::size_t end, float scale,
                             Lanes* out) {
  // A few at a time: what is written stays in the nearest cache until its lanes are full.
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t i = begin; i < end; i += kAtOnce) {
    spread_each(rows, i, std::min(i + kAtOnce, end), scale, out + (i - begin));
  }
}

HERONRY_IN_CLONE void spread(const RowsOfLanes<std::uint8_t>& rows, std::size_t begin, std::size_t end, float scale,
                             Lanes* out) {
  std::size_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    std::array<LaneBytes, kLanes> tile;
    for (std::size_t lane = 0; lane < kLanes; ++lane) std::memcpy(&tile[lane], rows.row(lane) + i, kLanes);
    transpose(tile);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(tile.data());
    float* values = reinterpret_cast<float*>(out + (i - begin));
    for (std::size_t k = 0; k < kLanes * kLanes; ++k) values[k] = static_cast<float>(bytes[k]) * scale;
  }
  spread_each(rows, i, end, scale, out + (i - begin));
}

}  // namespace heronry
