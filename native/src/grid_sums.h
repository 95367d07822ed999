// Sums on an integer grid; see heronry/native/grid_sums.py.
#pragma once

#include <cmath>

#include "vector_clones.h"

namespace heronry {

template <typename Real>
HERONRY_VECTOR_CLONES void grid_add(std::int64_t* __restrict total, const Real* __restrict values, double weight,
                                    double step, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    total[i] += static_cast<std::int64_t>(std::rint(static_cast<double>(values[i]) * weight / step));
}

template <typename Real>
HERONRY_VECTOR_CLONES void grid_mean(const std::int64_t* __restrict total, double step, double denominator,
                                     Real* __restrict out, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<Real>(static_cast<double>(total[i]) * step / denominator);
}

}  // namespace heronry
