// Normals from words of a stream; see heronry/native/box_muller.py.
#pragma once

#include <cmath>

#include "elementary_functions.h"

namespace heronry {

// Of each block the first half of the words makes radii, the second angles.
constexpr std::size_t kNormalsBlock = 512;

inline constexpr std::size_t num_normal_words(std::size_t count) {
  return (count + kNormalsBlock - 1) / kNormalsBlock * kNormalsBlock;
}

HERONRY_IN_CLONE void box_muller_block(const std::uint64_t* __restrict words, double* __restrict out) {
  constexpr std::size_t kHalf = kNormalsBlock / 2;
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63, kSwap = std::uint64_t{1} << 62;
  constexpr std::uint64_t kFraction = (std::uint64_t{1} << 52) - 1;
  HERONRY_ELEMENTWISE
  for (std::size_t i = 0; i < kHalf; ++i) {
    const std::uint64_t angle = words[kHalf + i];
    const double radius = std::sqrt(-2.0 * logarithm(uniform_above_0(words[i])));
    // A quarter of the circle, turned onto the other three by an exchange and by the sign of both.
    const double turn = std::bit_cast<double>((angle & kFraction) | kExponentOf1) - 1.5;
    const SineCosine of = sine_cosine(turn * 1.5707963267948966);
    const bool swap = (angle & kSwap) != 0;
    const double first = swap ? of.sine : of.cosine, second = swap ? of.cosine : of.sine;
    const double signed_radius = std::bit_cast<double>(std::bit_cast<std::uint64_t>(radius) ^ (angle & kSign));
    out[i] = signed_radius * first;
    out[kHalf + i] = signed_radius * second;
  }
}

HERONRY_VECTOR_CLONES inline void box_muller(const std::uint64_t* words, double* out, std::size_t count) {
  const std::size_t whole = count / kNormalsBlock * kNormalsBlock;
  for (std::size_t first = 0; first < whole; first += kNormalsBlock) box_muller_block(words + first, out + first);
  if (whole == count) return;
  double last[kNormalsBlock];
  box_muller_block(words + whole, last);
  std::copy(last, last + (count - whole), out + whole);
}

// A sum near 1.5 * 2^52 has whole numbers as its last bits: nearest, half to even, exact below 2^51.
constexpr double kRounder = 0x1.8p52;

HERONRY_IN_CLONE std::int64_t rounded(double value) {
  return std::bit_cast<std::int64_t>(value + kRounder) - std::bit_cast<std::int64_t>(kRounder);
}

HERONRY_VECTOR_CLONES inline void add_box_muller(const std::uint64_t* words, double scale,
                                                 std::int64_t* __restrict total, std::size_t count) {
  double normals[kNormalsBlock];
  for (std::size_t first = 0; first < count; first += kNormalsBlock) {
    box_muller_block(words + first, normals);
    const std::size_t length = std::min(kNormalsBlock, count - first);
    for (std::size_t i = 0; i < length; ++i) total[first + i] += rounded(normals[i] * scale);
  }
}

}  // namespace heronry
