// Reals moved into their bounds; see heronry/native/bounded.py.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

namespace heronry {

// Fills `out` and returns the first of the rows that holds a number that is not finite; -1: none does.
template <typename Real, typename Bounded>
std::ptrdiff_t bound_rows(const Real* rows, std::size_t num_rows, std::size_t width, const double* low,
                          const double* high, Bounded* out) {
  std::ptrdiff_t first = -1;
  for (std::size_t n = num_rows; n-- > 0;) {
    const Real* row = rows + n * width;
    Bounded* bounded = out + n * width;
    bool is_finite = true;
    for (std::size_t i = 0; i < width; ++i) {
      const double value = row[i];
      is_finite &= std::abs(value) <= std::numeric_limits<double>::max();
      const double raised = value < low[i] ? low[i] : value;
      bounded[i] = static_cast<Bounded>(raised > high[i] ? high[i] : raised);
    }
    if (!is_finite) first = static_cast<std::ptrdiff_t>(n);
  }
  return first;
}

}  // namespace heronry
