// Functions of reals as the games need them. For float they are polynomials, one bit pattern on every machine, in
// vectors too; for double they are those of the C library, as in the reference's Python.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "../vector_clones.h"

namespace heronry::games {

template <typename Real>
struct Angle {
  Real sine, cosine;
};

// To 2e-7 for angles below 1e4. Coefficients: Cephes, sinf.c.
HERONRY_IN_CLONE Angle<float> angle(float x) {
  constexpr float kRounder = 0x1.8p23f;
  const float shifted = x * 0.636619772367581343f + kRounder;
  const std::int32_t quarter = std::bit_cast<std::int32_t>(shifted);
  const float turns = shifted - kRounder;
  const float r = ((x - turns * 1.5703125f) - turns * 4.837512969970703125e-4f) - turns * 7.54978995489188216e-8f;
  const float z = r * r;
  const float s = r + r * (z * ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f));
  const float c = (1.0f - 0.5f * z) +
                  z * z * ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f);
  const bool swap = (quarter & 1) != 0;
  const std::int32_t sine_sign = (quarter & 2) << 30, cosine_sign = ((quarter + 1) & 2) << 30;
  return {std::bit_cast<float>(std::bit_cast<std::int32_t>(swap ? c : s) ^ sine_sign),
          std::bit_cast<float>(std::bit_cast<std::int32_t>(swap ? s : c) ^ cosine_sign)};
}

HERONRY_IN_CLONE Angle<double> angle(double x) { return {std::sin(x), std::cos(x)}; }

HERONRY_IN_CLONE float square(float x) { return x * x; }
HERONRY_IN_CLONE double square(double x) { return x * x; }

// What `x ** 2` is for one number in Python: the library's power, now and then an ulp off the product.
HERONRY_IN_CLONE float python_square(float x) { return x * x; }
HERONRY_IN_CLONE double python_square(double x) {
  double two = 2.0;
  asm volatile("" : "+m"(two));  // else the compiler makes a product of it
  return std::pow(x, two);
}

// The angle between minus and plus half a turn; for double as Python's remainder has it.
HERONRY_IN_CLONE float wrapped(float x) {
  constexpr float kRounder = 0x1.8p23f;
  const float turns = (x * 0.159154943091895336f + kRounder) - kRounder;
  return ((x - turns * 6.28125f) - turns * 1.9350051879882812e-3f) - turns * 3.01991598195675294e-7f;
}

HERONRY_IN_CLONE double wrapped(double x) {
  constexpr double kHalfTurn = 3.141592653589793;
  const double rest = std::fmod(x + kHalfTurn, 2.0 * kHalfTurn);
  return (rest < 0.0 ? rest + 2.0 * kHalfTurn : rest) - kHalfTurn;
}

template <typename Real>
HERONRY_IN_CLONE Real clipped(Real value, Real low, Real high) {
  const Real above = value < low ? low : value;
  return above > high ? high : above;
}

}  // namespace heronry::games
