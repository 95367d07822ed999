// Signed bytes in blocks that share a scale; see heronry/native/int8_blocks.py.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstring>

#include "vector_clones.h"

namespace heronry {

constexpr std::size_t kInt8Block = 256;

inline constexpr std::size_t num_int8_blocks(std::size_t count) { return (count + kInt8Block - 1) / kInt8Block; }

constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15;

// What SplitMix64 makes of a state (Steele, Lea and Flood 2014).
HERONRY_IN_CLONE std::uint64_t mixed(std::uint64_t state) {
  state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
  state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
  return state ^ (state >> 31);
}

// One block, rounded by the 64 outputs of the generator behind `state`; returns its scale.
HERONRY_IN_CLONE float int8_pack_block(const float* values, std::uint64_t state, std::int8_t* codes) {
  constexpr std::size_t kWords = kInt8Block / 4;
  Largest<float> largest;
  largest.take(values, kInt8Block);
  const float scale = largest.value() > 0 ? std::max(largest.value() / 127.0f, FLT_MIN) : 0.0f;
  const float divisor = scale > 0 ? scale : 1.0f;
  std::uint64_t words[kWords];
  for (std::size_t i = 0; i < kWords; ++i) words[i] = mixed(state + (i + 1) * kGamma);
  std::uint16_t parts[kInt8Block];
  std::memcpy(parts, words, sizeof words);
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    // Half a step of u's grid, so that it is even about 1/2; with 17 bits the sum with a whole step is exact.
    const float u = (static_cast<float>(static_cast<std::int32_t>(parts[i])) + 0.5f) * 0x1p-16f;
    float code = std::floor(values[i] / divisor + u);
    code = code < -127.0f ? -127.0f : code;
    code = code > 127.0f ? 127.0f : code;
    codes[i] = static_cast<std::int8_t>(static_cast<std::int32_t>(code));
  }
  return scale;
}

HERONRY_VECTOR_CLONES inline void int8_pack(const float* values, std::uint64_t seed, float* scales,
                                            std::int8_t* codes, std::size_t count) {
  // Seeds that differ by a multiple of gamma would else give the same numbers, shifted.
  std::uint64_t state = mixed(seed + kGamma);
  const std::size_t num_whole = count / kInt8Block;
  for (std::size_t block = 0; block < num_whole; ++block, state += kInt8Block / 4 * kGamma)
    scales[block] = int8_pack_block(values + block * kInt8Block, state, codes + block * kInt8Block);
  const std::size_t done = num_whole * kInt8Block;
  if (done == count) return;
  float padded[kInt8Block] = {};
  std::int8_t padded_codes[kInt8Block];
  std::memcpy(padded, values + done, (count - done) * sizeof(float));
  scales[num_whole] = int8_pack_block(padded, state, padded_codes);
  std::memcpy(codes + done, padded_codes, count - done);
}

HERONRY_VECTOR_CLONES inline void int8_unpack(const float* __restrict scales, const std::int8_t* __restrict codes,
                                              float* __restrict out, std::size_t count) {
  for (std::size_t first = 0; first < count; first += kInt8Block) {
    const std::size_t length = std::min(kInt8Block, count - first);
    const float scale = scales[first / kInt8Block];
    for (std::size_t i = 0; i < length; ++i)
      out[first + i] = static_cast<float>(static_cast<std::int32_t>(codes[first + i])) * scale;
  }
}

}  // namespace heronry
