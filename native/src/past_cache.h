// Stores that go to memory without reading there first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__)
#include <emmintrin.h>
#define HERONRY_PAST_CACHE 1
#endif

namespace heronry {

// Of so many bytes at a time too few would be found in a cache when they are needed.
constexpr std::size_t kPastCacheBytes = 1 << 19;

// The source is aligned to 16 bytes.
inline void copy_past_cache(const void* source, void* out, std::size_t num_bytes) {
#if HERONRY_PAST_CACHE
  constexpr std::size_t kLine = 64;
  if (reinterpret_cast<std::uintptr_t>(out) % sizeof(__m128i) == 0 && num_bytes % kLine == 0) {
    const auto* from = static_cast<const __m128i*>(source);
    auto* to = static_cast<__m128i*>(out);
    for (std::size_t i = 0; i < num_bytes / sizeof(__m128i); i += 4) {
      const __m128i a = _mm_load_si128(from + i), b = _mm_load_si128(from + i + 1);
      const __m128i c = _mm_load_si128(from + i + 2), d = _mm_load_si128(from + i + 3);
      _mm_stream_si128(to + i, a);
      _mm_stream_si128(to + i + 1, b);
      _mm_stream_si128(to + i + 2, c);
      _mm_stream_si128(to + i + 3, d);
    }
    return;
  }
#endif
  std::memcpy(out, source, num_bytes);
}

// Other threads see those stores in the order of the program only after this.
inline void finish_past_cache() {
#if HERONRY_PAST_CACHE
  _mm_sfence();
#endif
}

}  // namespace heronry
