// What hidden layers apply to their sums, from additions, multiplications, divisions and bits alone: every machine,
// every clone and the NumPy twin (heronry/native/twins/forward.py) give the same bits.
#pragma once

#include "forward.h"
#include "vector_clones.h"

namespace heronry {

using LaneBits = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

// In place and by reference: as values, vectors this wide are passed differently on different machines.

// NaN stays NaN.
HERONRY_IN_CLONE void clamp(Lanes& x, float least, float greatest) {
  x = x < least ? Lanes{} + least : x;
  x = x > greatest ? Lanes{} + greatest : x;
}

// To within 4e-7: a ratio of polynomials in x^2 of degree 4, fitted to tanh(x) / x by least largest error on [0, 8].
HERONRY_IN_CLONE void hyperbolic_tangent(Lanes& x) {
  clamp(x, -8.0f, 8.0f);
  const Lanes z = x * x;
  const Lanes above = (((z * 1.5061879e-08f + 2.1773321e-05f) * z + 3.5641617e-03f) * z + 1.3438196e-01f) * z + 1.0f;
  const Lanes below = (((z * 8.453698e-07f + 3.399188e-04f) * z + 2.6136039e-02f) * z + 4.6771517e-01f) * z + 1.0f;
  x = x * above / below;
}

HERONRY_IN_CLONE void rectify(Lanes& x) { x = x > 0.0f ? x : Lanes{}; }

// e^x - 1 below 0, to within 2e-7: e^x is 2^n times Taylor's polynomial of the rest, which is at most half of log 2.
HERONRY_IN_CLONE void exponential_linear(Lanes& x) {
  constexpr float kRounder = 0x1.8p23f;  // adding it leaves the nearest integer in the lowest bits
  Lanes below = x;
  clamp(below, -87.0f, 0.0f);
  const Lanes shifted = below * 1.44269504f + kRounder;
  const Lanes n = shifted - kRounder;
  const Lanes r = (below - n * 0x1.62ep-1f) - n * 0x1.0bfbe8p-15f;
  const Lanes rest = ((((r * (1.0f / 720) + 1.0f / 120) * r + 1.0f / 24) * r + 1.0f / 6) * r + 0.5f) * r + 1.0f;
  const LaneBits exponent = ((LaneBits)shifted - std::bit_cast<std::int32_t>(kRounder) + 127) << 23;
  below = (rest * r + 1.0f) * (Lanes)exponent - 1.0f;
  x = x > 0.0f ? x : below;
}

}  // namespace heronry
