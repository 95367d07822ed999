// Arrays as the loops take them, and when the interpreter's lock is given up.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <optional>

namespace heronry {

namespace nb = nanobind;

template <typename Scalar>
using Vector = nb::ndarray<Scalar, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename Scalar>
using Matrix = nb::ndarray<Scalar, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Gives up the lock for long work only: taking it back may wait a whole switch interval (5 ms) for a
// thread that computes in Python, which is a thousand times what a small call takes.
class LockReleased {
 public:
  explicit LockReleased(bool is_long) {
    if (is_long) released_.emplace();
  }

 private:
  std::optional<nb::gil_scoped_release> released_;
};

inline void require(bool holds, const char* otherwise) {
  if (!holds) throw nb::value_error(otherwise);
}

inline void require_index(bool holds, const char* otherwise) {
  if (!holds) throw nb::index_error(otherwise);
}

// Negative values become large ones: one comparison checks both ends.
inline void require_all_below(const std::int64_t* indices, std::size_t count, std::size_t bound,
                              const char* otherwise) {
  bool holds = true;
  for (std::size_t i = 0; i < count; ++i) holds &= static_cast<std::uint64_t>(indices[i]) < bound;
  require_index(holds, otherwise);
}

}  // namespace heronry
