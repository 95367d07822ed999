// Inner products of rows seen from one of them; see heronry/native/gram.py.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "halves.h"
#include "vector_clones.h"

namespace heronry {

template <typename Real>
struct ShiftedRows {
  const Real* const* sources;
  std::size_t num_rows, origin;
  Real unit;
};

// Products are summed in lanes over a slice of the rows: it is long enough for adding up lanes to cost little, and
// those of two tiles fit into the first cache.
constexpr std::size_t kSliceBytes = 4096;
// Rows of a tile, whose products with those of another stay in registers: sixteen hold 3 by 3, thirty-two 4 by 4.
constexpr std::size_t kNarrowTile = 3, kWideTile = 4;
// Rows whose slices stay in the second cache while the rows above them go by.
constexpr std::size_t kRowsInCache = 96;
// Slices of very many rows become shorter, not more memory.
constexpr std::size_t kShiftedBytes = std::size_t{2} << 20;

struct alignas(64) CacheLine {
  unsigned char bytes[64];
};

// The memory of one thread.
class ShiftedMemory {
 public:
  explicit ShiftedMemory(std::size_t num_rows) : slice_bytes_(kSliceBytes) {
    num_rows = (num_rows + kWideTile - 1) / kWideTile * kWideTile + kWideTile;
    while (slice_bytes_ > sizeof(CacheLine) && slice_bytes_ * num_rows > kShiftedBytes) slice_bytes_ /= 2;
    lines_ = std::make_unique_for_overwrite<CacheLine[]>(slice_bytes_ / sizeof(CacheLine) * num_rows);
  }
  void* data() { return lines_.get(); }
  std::size_t slice_bytes() const { return slice_bytes_; }

 private:
  std::size_t slice_bytes_;
  std::unique_ptr<CacheLine[]> lines_;
};

template <typename Real, std::size_t kVectorBytes, std::size_t kTile>
class Products {
 public:
  HERONRY_IN_CLONE static void add(const ShiftedRows<Real>& rows, std::size_t begin, std::size_t end,
                                   ShiftedMemory& memory, double* products) {
    const std::size_t slice = memory.slice_bytes() / sizeof(Real);
    Real* shifted = static_cast<Real*>(memory.data());
    for (std::size_t first = begin; first < end; first += slice) {
      const std::size_t length = std::min(slice, end - first);
      const std::size_t num_steps = (length + kLanes - 1) / kLanes;
      for (std::size_t row = 0; row < rows.num_rows; row += kTile)
        shift(rows, row, first, length, num_steps, shifted + row * num_steps * kLanes);
      add_slice(shifted, rows.num_rows, num_steps, products);
    }
  }

 private:
  static constexpr std::size_t kLanes = kVectorBytes / sizeof(Real);
  static constexpr std::size_t kRowsAtATime = kRowsInCache / kTile * kTile;
  using Lanes [[gnu::vector_size(kVectorBytes), gnu::may_alias]] = Real;

  // Rows of a tile lie vector by vector side by side. What fills the last vectors and the last tile is zero for all
  // rows: it adds nothing, whatever the values are.
  HERONRY_IN_CLONE static void shift(const ShiftedRows<Real>& rows, std::size_t first_row, std::size_t first,
                                     std::size_t length, std::size_t num_steps, Real* tile) {
    const Real* origin = rows.sources[rows.origin] + first;
    const std::size_t num_whole = length / kLanes;
    for (std::size_t r = 0; r < kTile; ++r) {
      Real* to = tile + r * kLanes;
      if (first_row + r >= rows.num_rows) {
        for (std::size_t step = 0; step < num_steps; ++step) std::fill_n(to + step * kTile * kLanes, kLanes, Real{0});
        continue;
      }
      const Real* source = rows.sources[first_row + r] + first;
      for (std::size_t step = 0; step < num_whole; ++step) {
        Lanes value, least;
        std::memcpy(&value, source + step * kLanes, sizeof value);
        std::memcpy(&least, origin + step * kLanes, sizeof least);
        value = value * rows.unit - least * rows.unit;
        std::memcpy(to + step * kTile * kLanes, &value, sizeof value);
      }
      if (num_whole == num_steps) continue;
      to += num_whole * kTile * kLanes;
      std::fill_n(to, kLanes, Real{0});
      for (std::size_t i = num_whole * kLanes; i < length; ++i)
        to[i - num_whole * kLanes] = source[i] * rows.unit - origin[i] * rows.unit;
    }
  }

  HERONRY_IN_CLONE static void add_slice(const Real* shifted, std::size_t num_rows, std::size_t num_steps,
                                         double* products) {
    const std::size_t row_size = num_steps * kLanes;
    for (std::size_t first = 0; first < num_rows; first += kRowsAtATime) {
      const std::size_t end = std::min(first + kRowsAtATime, num_rows);
      for (std::size_t i = 0; i < end; i += kTile) {
        for (std::size_t j = std::max(i, first); j < end; j += kTile) {
          alignas(kVectorBytes) Real sums[kTile * kTile * kLanes];
          multiply(shifted + i * row_size, shifted + j * row_size, num_steps, sums);
          add_tile(sums, i, j, num_rows, products);
        }
      }
    }
  }

  HERONRY_IN_CLONE static void multiply(const Real* left, const Real* right, std::size_t num_steps, Real* sums) {
    Lanes sum[kTile][kTile] = {};
    const Lanes *a = reinterpret_cast<const Lanes*>(left), *b = reinterpret_cast<const Lanes*>(right);
    for (std::size_t step = 0; step < num_steps; ++step, a += kTile, b += kTile) {
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kTile; ++r) {
#pragma GCC unroll 4
        for (std::size_t c = 0; c < kTile; ++c) sum[r][c] += a[r] * b[c];
      }
    }
    for (std::size_t t = 0; t < kTile * kTile; ++t) reinterpret_cast<Lanes*>(sums)[t] = sum[t / kTile][t % kTile];
  }

  // Into the first two lanes.
  template <std::size_t kHalf>
  HERONRY_IN_CLONE static void fold(Real* lanes) {
    if constexpr (kHalf > 1) {
      for (std::size_t lane = 0; lane < kHalf; ++lane) lanes[lane] += lanes[lane + kHalf];
      fold<kHalf / 2>(lanes);
    }
  }

  HERONRY_IN_CLONE static void add_tile(Real* sums, std::size_t i, std::size_t j, std::size_t num_rows,
                                        double* products) {
    double totals[kTile * kTile];
    for (std::size_t t = 0; t < kTile * kTile; ++t) {
      Real* lanes = sums + t * kLanes;
      fold<kLanes / 2>(lanes);
      totals[t] = static_cast<double>(lanes[0]) + static_cast<double>(lanes[1]);
    }
    for (std::size_t r = i; r < std::min(i + kTile, num_rows); ++r)
      for (std::size_t c = std::max(r, j); c < std::min(j + kTile, num_rows); ++c)
        products[r * num_rows + c] += totals[(r - i) * kTile + c - j];
  }
};

// Instructions that are wider ask for other tiles: unlike other loops this one is chosen by hand.
#if defined(__x86_64__) && defined(__GNUC__)
template <typename Real>
__attribute__((target("avx512f"))) void add_products_wide(const ShiftedRows<Real>& rows, std::size_t begin,
                                                          std::size_t end, ShiftedMemory& memory, double* products) {
  Products<Real, 64, kWideTile>::add(rows, begin, end, memory, products);
}

template <typename Real>
__attribute__((target("avx2,fma"))) void add_products_fused(const ShiftedRows<Real>& rows, std::size_t begin,
                                                            std::size_t end, ShiftedMemory& memory,
                                                            double* products) {
  Products<Real, 32, kNarrowTile>::add(rows, begin, end, memory, products);
}
#endif

template <typename Real>
void add_products_of(const ShiftedRows<Real>& rows, std::size_t begin, std::size_t end, ShiftedMemory& memory,
                     double* products) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (__builtin_cpu_supports("avx512f")) return add_products_wide(rows, begin, end, memory, products);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return add_products_fused(rows, begin, end, memory, products);
#endif
  Products<Real, 16, kNarrowTile>::add(rows, begin, end, memory, products);
}

// Adds the products of rows i <= j to the upper half of `products`.
template <typename Real>
void add_products(const ShiftedRows<Real>& rows, std::size_t length, double* products) {
  const std::size_t num_rows = rows.num_rows, num_elements = num_rows * length;
  // Each half has memory and sums of its own, made before there is a second thread: nothing may throw there.
  ShiftedMemory memory(num_rows), other_memory(num_rows);
  std::vector<double> other_products(num_rows * num_rows);
  in_halves(num_elements, [&](std::size_t begin, std::size_t end) {
    const bool is_other = begin != 0;
    add_products_of(rows, begin / num_rows, end / num_rows, is_other ? other_memory : memory,
                    is_other ? other_products.data() : products);
  });
  for (std::size_t i = 0; i < other_products.size(); ++i) products[i] += other_products[i];
}

}  // namespace heronry
