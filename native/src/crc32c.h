// CRC-32C of whole chunks; see heronry/native/crc32c.py.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HERONRY_WIDE_CRC 1
#endif

namespace heronry {

// Castagnoli's polynomial, its bits reversed.
constexpr std::uint32_t kCastagnoli = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (rest & 1 ? kCastagnoli : 0);
    table[byte] = rest;
  }
  return table;
}

inline std::uint32_t crc32c_bytewise(std::uint32_t state, const unsigned char* data, std::size_t count) {
  static constexpr std::array<std::uint32_t, 256> kTable = crc_table();
  for (std::size_t i = 0; i < count; ++i) state = state >> 8 ^ kTable[(state ^ data[i]) & 255];
  return state;
}

#if HERONRY_WIDE_CRC
inline bool has_wide_crc() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
  return has;
}

__attribute__((target("sse4.2"))) inline std::uint32_t crc32c_wordwise(std::uint32_t state, const unsigned char* data,
                                                                       std::size_t count) {
  std::uint64_t wide = state;
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, data + i, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  return crc32c_bytewise(static_cast<std::uint32_t>(wide), data + i, count - i);
}

// What becomes of the bytes that a checksum goes over: nothing, or a copy, in a cache or past it.
struct OnlyRead {
  __attribute__((target("avx512f"))) inline void keep(std::size_t, __m512i) const {}
  void keep_rest(std::size_t, const unsigned char*, std::size_t) const {}
};

struct Stored {
  unsigned char* out;
  __attribute__((target("avx512f"))) inline void keep(std::size_t at, __m512i bytes) const {
    _mm512_storeu_si512(out + at, bytes);
  }
  void keep_rest(std::size_t at, const unsigned char* rest, std::size_t count) const {
    if (count > 0) std::memcpy(out + at, rest, count);
  }
};

// Its output is aligned to 64 bytes.
struct Streamed : Stored {
  __attribute__((target("avx512f"))) inline void keep(std::size_t at, __m512i bytes) const {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(out + at), bytes);
  }
};

// Carries 256 bytes along: 16 numbers of 128 bits, each multiplied by x^2048 modulo the polynomial and added to the
// one 256 bytes on. What is left has the remainder of the whole.
// Source: Gopal et al. 2009, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction".
template <typename Kept = OnlyRead>
__attribute__((target("avx512f,vpclmulqdq,sse4.2"))) inline std::uint32_t crc32c_wide(
    std::uint32_t state, const unsigned char* data, std::size_t count, Kept kept = {}) {
  constexpr std::size_t kStride = 256;
  if (count < kStride) {
    kept.keep_rest(0, data, count);
    return crc32c_wordwise(state, data, count);
  }
  // x^(2048 + 32) and x^(2048 - 32) modulo the polynomial, reversed and shifted by one.
  constexpr long long kLow = 0xdcb17aa4, kHigh = 0xb9e02b86;
  const __m512i factors = _mm512_set_epi64(kHigh, kLow, kHigh, kLow, kHigh, kLow, kHigh, kLow);
  __m512i carried[4];
  for (int i = 0; i < 4; ++i) {
    carried[i] = _mm512_loadu_si512(data + 64 * i);
    kept.keep(64 * i, carried[i]);
  }
  carried[0] = _mm512_xor_si512(carried[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state))));
  std::size_t at = kStride;
  for (; at + kStride <= count; at += kStride) {
    for (int i = 0; i < 4; ++i) {
      const __m512i low = _mm512_clmulepi64_epi128(carried[i], factors, 0x00);
      const __m512i high = _mm512_clmulepi64_epi128(carried[i], factors, 0x11);
      const __m512i next = _mm512_loadu_si512(data + at + 64 * i);
      carried[i] = _mm512_ternarylogic_epi64(low, high, next, 0x96);
      kept.keep(at + 64 * i, next);
    }
  }
  kept.keep_rest(at, data + at, count - at);
  alignas(64) unsigned char rest[kStride];
  for (int i = 0; i < 4; ++i) _mm512_store_si512(rest + 64 * i, carried[i]);
  return crc32c_wordwise(crc32c_wordwise(0, rest, kStride), data + at, count - at);
}
#else
inline bool has_wide_crc() { return false; }
#endif

constexpr std::uint32_t kNoBytes = ~0u;

// The state after more bytes; the checksum is its complement.
inline std::uint32_t crc32c_extended(std::uint32_t state, const unsigned char* data, std::size_t count) {
#if HERONRY_WIDE_CRC
  if (has_wide_crc()) return crc32c_wide(state, data, count);
#endif
  return crc32c_bytewise(state, data, count);
}

inline std::uint32_t crc32c(const unsigned char* data, std::size_t count) {
  return ~crc32c_extended(kNoBytes, data, count);
}

// Copies them meanwhile, past the caches where `is_past_cache` and the output lies so that it can be.
inline std::uint32_t crc32c_copying(std::uint32_t state, const unsigned char* data, std::size_t count,
                                    unsigned char* out, [[maybe_unused]] bool is_past_cache) {
#if HERONRY_WIDE_CRC
  if (has_wide_crc()) {
    if (!is_past_cache || reinterpret_cast<std::uintptr_t>(out) % 64 != 0)
      return crc32c_wide(state, data, count, Stored{out});
    state = crc32c_wide(state, data, count, Streamed{{out}});
    _mm_sfence();
    return state;
  }
#endif
  if (count > 0) std::memcpy(out, data, count);
  return crc32c_bytewise(state, data, count);
}

}  // namespace heronry
