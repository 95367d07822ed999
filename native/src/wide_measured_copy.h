// Checksum, measure and copy of float32 in one pass over registers; see chunk_frames.h.
#pragma once

#include <algorithm>
#include <bit>

#include "crc32c.h"
#include "vector_sums.h"

namespace heronry {

#if HERONRY_WIDE_CRC
// Goes over whole blocks as `crc32c_extended`, `measure` and a copy past the caches do one after the other, to the last
// bit: a square of a float32 is exact in float64, so adding it in one instruction rounds no less often.
class WideMeasuredCopy {
 public:
  // The output is aligned to 64 bytes.
  __attribute__((target("avx512f,vpclmulqdq,sse4.2"))) static std::uint32_t blocks(
      std::uint32_t state, const unsigned char* data, std::size_t num_blocks, float* out, Measure& measure) {
    constexpr std::size_t kStride = 256, kPieceBytes = kPiece * sizeof(float);
    constexpr long long kLow = 0xdcb17aa4, kHigh = 0xb9e02b86;
    const __m512i factors = _mm512_set_epi64(kHigh, kLow, kHigh, kLow, kHigh, kLow, kHigh, kLow);
    const __m512i magnitude = _mm512_set1_epi32(INT32_MAX);
    // The state belongs into the first four bytes; before them all that is carried is zero.
    __m512i start = _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<int>(state)));
    __m512i carried[4] = {}, largest = _mm512_setzero_si512();
    auto* to = reinterpret_cast<unsigned char*>(out);
    for (std::size_t block = 0; block < num_blocks; ++block) {
      __m512d sums[4] = {};
      for (std::size_t piece = 0; piece < kMeasuredBlock / kPiece; ++piece) {
        __m512d lanes[4] = {};
        for (std::size_t at = 0; at < kPieceBytes; at += kStride, data += kStride, to += kStride) {
          for (int i = 0; i < 4; ++i) {
            const __m512i bytes = _mm512_loadu_si512(data + 64 * i);
            _mm512_stream_si512(reinterpret_cast<__m512i*>(to + 64 * i), bytes);
            const __m512i low = _mm512_clmulepi64_epi128(carried[i], factors, 0x00);
            const __m512i high = _mm512_clmulepi64_epi128(carried[i], factors, 0x11);
            carried[i] = _mm512_ternarylogic_epi64(low, high, bytes, 0x96);
            largest = _mm512_maskz_max_epi32(0xFFFF, largest, _mm512_and_si512(bytes, magnitude));
            const __m512d lower = _mm512_maskz_cvtps_pd(0xFF, _mm512_castps512_ps256(_mm512_castsi512_ps(bytes)));
            const __m512d upper = _mm512_maskz_cvtps_pd(
                0xFF, _mm256_castpd_ps(_mm512_maskz_extractf64x4_pd(0xF, _mm512_castsi512_pd(bytes), 1)));
            lanes[2 * (i & 1)] = _mm512_fmadd_pd(lower, lower, lanes[2 * (i & 1)]);
            lanes[2 * (i & 1) + 1] = _mm512_fmadd_pd(upper, upper, lanes[2 * (i & 1) + 1]);
          }
          carried[0] = _mm512_xor_si512(carried[0], start);
          start = _mm512_setzero_si512();
        }
        for (int i = 0; i < 4; ++i) sums[i] = _mm512_add_pd(sums[i], lanes[i]);
      }
      measure.squared_norm += sum_of(sums);
    }
    _mm_sfence();
    measure.largest = largest_of(largest);
    alignas(64) unsigned char rest[kStride];
    for (int i = 0; i < 4; ++i) _mm512_store_si512(rest + 64 * i, carried[i]);
    return crc32c_wordwise(0, rest, kStride);
  }

 private:
  // One lane after the other, as `Squares` does.
  __attribute__((target("avx512f"))) static double sum_of(const __m512d (&sums)[4]) {
    alignas(64) double lanes[32];
    for (int i = 0; i < 4; ++i) _mm512_store_pd(lanes + 8 * i, sums[i]);
    double sum = 0;
    for (double lane : lanes) sum += lane;
    return sum;
  }
  __attribute__((target("avx512f"))) static double largest_of(__m512i magnitudes) {
    alignas(64) std::int32_t bits[16];
    _mm512_store_si512(bits, magnitudes);
    return static_cast<double>(std::bit_cast<float>(*std::max_element(bits, bits + 16)));
  }
};
#endif

}  // namespace heronry
