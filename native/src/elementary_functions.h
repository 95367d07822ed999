// Logarithm, sine and cosine from additions, multiplications, divisions and bits alone: IEEE rounds each of them, so
// every machine, every clone and the NumPy twin give the same bits (no contraction: see CMakeLists.txt).
#pragma once

#include "vector_clones.h"

namespace heronry {

constexpr std::uint64_t kExponentOf1 = std::uint64_t{1023} << 52;
constexpr std::uint64_t kExponentOf2To52 = std::uint64_t{1075} << 52;

// An integer below 2^52 as a double, without an instruction that older machines lack for vectors.
HERONRY_IN_CLONE double small_to_double(std::uint64_t value) {
  return std::bit_cast<double>(value | kExponentOf2To52) - 0x1p52;
}

// A uniform of (0, 1] with 53 bits from a word's upper ones; never 0, so that it has a logarithm.
HERONRY_IN_CLONE double uniform_above_0(std::uint64_t word) {
  return (small_to_double(word >> 32) * 0x1p21 + small_to_double((word >> 11) & 0x1FFFFF) + 1.0) * 0x1p-53;
}

// Natural logarithm of a positive normal number, to 1 ulp. Scheme and coefficients: fdlibm, e_log.c.
HERONRY_IN_CLONE double logarithm(double x) {
  constexpr std::uint64_t kMantissaOfRootHalf = kExponentOf1 - 0x3FE6A09E00000000;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  const std::uint64_t exponent = (bits + kMantissaOfRootHalf) >> 52;
  const double f = std::bit_cast<double>(bits - (exponent << 52) + kExponentOf1) - 1.0;
  const double e = small_to_double(exponent) - 1023.0;
  const double s = f / (2.0 + f);
  const double z = s * s, w = z * z;
  const double even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
  const double odd = z * (6.666666666666735130e-01 + w * (2.857142874366239149e-01 +
                     w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
  const double half_square = 0.5 * f * f;
  return s * (half_square + (even + odd)) + e * 1.90821492927058770002e-10 - half_square + f +
         e * 6.93147180369123816490e-01;
}

struct SineCosine {
  double sine, cosine;
};

// Of an angle of at most pi/4, to 1 ulp. Coefficients: fdlibm, k_sin.c and k_cos.c.
HERONRY_IN_CLONE SineCosine sine_cosine(double x) {
  const double z = x * x, w = z * z;
  const double sine = (-1.66666666666666324348e-01 + z * 8.33333333332248946124e-03) +
                      w * ((-1.98412698298579493134e-04 + z * 2.75573137070700676789e-06) +
                           w * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10));
  const double cosine = (4.16666666666666019037e-02 + z * -1.38888888888741095749e-03) +
                        w * ((2.48015872894767294178e-05 + z * -2.75573143513906633035e-07) +
                             w * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11));
  return {x + x * z * sine, 1.0 - (0.5 * z - w * cosine)};
}

}  // namespace heronry
