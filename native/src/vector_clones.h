// Loops over whole vectors: compiled for several instruction sets, chosen when the module is loaded.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define HERONRY_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define HERONRY_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#endif
#else
#define HERONRY_VECTOR_CLONES
#endif

// What a clone calls must become part of it, or it is compiled for the least machine.
#define HERONRY_IN_CLONE __attribute__((always_inline)) inline

// No element is read after another was written: outputs may be the very inputs.
#if defined(__GNUC__) && !defined(__clang__)
#define HERONRY_ELEMENTWISE _Pragma("GCC ivdep")
#else
#define HERONRY_ELEMENTWISE
#endif

namespace heronry {

// Elements of a piece that stays in the first cache while several loops go over it.
constexpr std::size_t kPiece = 2048;

// Without a sign, bits of reals order as their magnitudes do, with infinity and NaN above all: integers are compared.
template <typename Real>
class Largest {
 public:
  using Bits = std::conditional_t<sizeof(Real) == 4, std::int32_t, std::int64_t>;

  HERONRY_IN_CLONE void take(const Real* values, std::size_t count) {
    Bits bits = bits_;
    for (std::size_t i = 0; i < count; ++i) bits = std::max(bits, std::bit_cast<Bits>(values[i]) & kMagnitude);
    bits_ = bits;
  }
  Real value() const { return std::bit_cast<Real>(bits_); }

 private:
  static constexpr Bits kMagnitude = sizeof(Real) == 4 ? static_cast<Bits>(INT32_MAX) : static_cast<Bits>(INT64_MAX);

  Bits bits_ = 0;
};

}  // namespace heronry
