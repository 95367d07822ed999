// Arrays as the loops take them, and when the interpreter's lock is given up.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <cxxabi.h>
#include <unistd.h>
#endif

namespace heronry {

namespace nb = nanobind;

template <typename Scalar>
using Vector = nb::ndarray<Scalar, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

template <typename Scalar>
using Matrix = nb::ndarray<Scalar, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

// Taking the lock back while the interpreter ends would unwind this thread, and a destructor in its way would end the
// process by `terminate`: the thread waits for the end of the process instead.
inline void take_lock_back(PyThreadState* state) {
#if defined(__linux__) && defined(__GLIBCXX__)
  try {
    PyEval_RestoreThread(state);
  } catch (abi::__forced_unwind&) {
    for (;;) pause();
  }
#else
  PyEval_RestoreThread(state);
#endif
}

// Gives up the lock for long work only: taking it back may wait a whole switch interval (5 ms) for a
// thread that computes in Python, which is a thousand times what a small call takes.
class LockReleased {
 public:
  explicit LockReleased(bool is_long) : state_(is_long ? PyEval_SaveThread() : nullptr) {}
  LockReleased(const LockReleased&) = delete;
  LockReleased& operator=(const LockReleased&) = delete;
  ~LockReleased() {
    if (state_ != nullptr) take_lock_back(state_);
  }

 private:
  PyThreadState* state_;
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
