// Sixteen-bit forms of float32; see heronry/native/number_formats.py. By integers: every instruction set has them.
#pragma once

#include "vector_clones.h"

namespace heronry {

HERONRY_VECTOR_CLONES inline void bf16_pack(const float* __restrict values, std::uint16_t* __restrict out,
                                            std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[i]);
    const std::uint32_t rounded = bits + 0x7FFF + ((bits >> 16) & 1);
    // Rounding would carry a NaN's last bits into infinity.
    const bool is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
    out[i] = static_cast<std::uint16_t>((is_nan ? bits | 0x400000 : rounded) >> 16);
  }
}

HERONRY_VECTOR_CLONES inline void bf16_unpack(const std::uint16_t* __restrict bits, float* __restrict out,
                                              std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(bits[i]) << 16);
}

HERONRY_VECTOR_CLONES inline void f16_pack(const float* __restrict values, std::uint16_t* __restrict out,
                                           std::size_t count) {
  constexpr std::uint32_t kInfinity = 0x7F800000, kTooLarge = (127 + 16) << 23, kLeastNormal = (127 - 14) << 23;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[i]);
    const std::uint32_t magnitude = bits & 0x7FFFFFFF;
    const std::uint32_t sign = (bits >> 16) & 0x8000;
    // The exponent's offset goes from 127 to 15; a carry out of the mantissa gives the next exponent, or infinity.
    const std::uint32_t normal = (magnitude - (112u << 23) + 0xFFF + ((magnitude >> 13) & 1)) >> 13;
    // At 0.5 a float32 has the step of binary16 below 2^-14: the addition rounds.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted) - 0x3F000000;
    const std::uint32_t nan = 0x7E00 | ((magnitude >> 13) & 0x3FF);
    std::uint32_t packed = magnitude < kLeastNormal ? subnormal : normal;
    packed = magnitude >= kTooLarge ? 0x7C00 : packed;
    packed = magnitude > kInfinity ? nan : packed;
    out[i] = static_cast<std::uint16_t>(packed | sign);
  }
}

HERONRY_VECTOR_CLONES inline void f16_unpack(const std::uint16_t* __restrict packed, float* __restrict out,
                                             std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = packed[i];
    const std::uint32_t magnitude = bits & 0x7FFF;
    const std::uint32_t wide = magnitude << 13;
    const std::uint32_t normal = wide + (112u << 23);
    const std::uint32_t infinite_or_nan = wide | 0x7F800000;
    // As an integer times its step; a multiplication of subnormals would cost a hundred cycles.
    const std::uint32_t subnormal =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f);
    std::uint32_t value = magnitude < 0x400 ? subnormal : normal;
    value = magnitude >= 0x7C00 ? infinite_or_nan : value;
    out[i] = std::bit_cast<float>(value | ((bits & 0x8000) << 16));
  }
}

}  // namespace heronry
