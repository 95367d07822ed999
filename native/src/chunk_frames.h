// Chunks in the frames that carry them; see heronry/native/chunk_frames.py.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "crc32c.h"
#include "past_cache.h"
#include "vector_sums.h"
#include "wide_measured_copy.h"

namespace heronry {

struct ChunkPlace {
  std::uint64_t offset;
  std::uint32_t crc32c;
  const unsigned char* data;
  std::size_t count;
};

// Reads a message's tags and numbers one after the other; past its end it has failed.
class FrameReader {
 public:
  FrameReader(const unsigned char* begin, std::size_t count) : at_(begin), end_(begin + count) {}

  bool starts_with(const unsigned char* bytes, std::size_t count) {
    if (rest() < count || std::memcmp(at_, bytes, count) != 0) return false;
    at_ += count;
    return true;
  }
  bool starts_with(unsigned char tag) { return starts_with(&tag, 1); }
  bool varint(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const unsigned char byte = *at_++;
      if (shift == 63 && byte > 1) return false;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool fixed32(std::uint32_t& value) {
    if (rest() < 4) return false;
    value = at_[0] | at_[1] << 8 | at_[2] << 16 | static_cast<std::uint32_t>(at_[3]) << 24;
    at_ += 4;
    return true;
  }
  const unsigned char* at() const { return at_; }
  std::size_t rest() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  const unsigned char *at_, *end_;
};

// False unless the frame is one chunk under this tag, its fields in the usual order and its data last.
inline bool parse_chunk(FrameReader reader, const unsigned char* tag, std::size_t tag_bytes, ChunkPlace& chunk) {
  constexpr unsigned char kOffsetTag = 0x08, kCrcTag = 0x15, kDataTag = 0x1a;
  std::uint64_t length = 0;
  if (!reader.starts_with(tag, tag_bytes) || !reader.varint(length) || length != reader.rest()) return false;
  chunk = {};
  if (reader.starts_with(kOffsetTag) && !reader.varint(chunk.offset)) return false;
  if (reader.starts_with(kCrcTag) && !reader.fixed32(chunk.crc32c)) return false;
  if (!reader.starts_with(kDataTag) || !reader.varint(length) || length != reader.rest()) return false;
  chunk.data = reader.at();
  chunk.count = reader.rest();
  return true;
}

struct MeasuredChunk {
  bool is_right;
  Measure measure;
};

// Each block is checked, and then measured on its way while it is in a cache; those of float32 in one go where the
// processor can.
template <typename Real>
inline MeasuredChunk place_measured(const ChunkPlace& chunk, Real* out, double squares) {
  std::uint32_t state = kNoBytes;
  Measure all{0, squares};
  const std::size_t count = chunk.count / sizeof(Real);
  const bool is_past_cache = chunk.count >= kPastCacheBytes;
  std::size_t first = 0;
#if HERONRY_WIDE_CRC
  if constexpr (sizeof(Real) == sizeof(float)) {
    const std::size_t num_blocks = count / kMeasuredBlock;
    if (has_wide_crc() && is_past_cache && num_blocks > 0 && reinterpret_cast<std::uintptr_t>(out) % 64 == 0) {
      state = WideMeasuredCopy::blocks(state, chunk.data, num_blocks, out, all);
      first = num_blocks * kMeasuredBlock;
    }
  }
#endif
  for (; first < count; first += kMeasuredBlock) {
    const std::size_t length = std::min(kMeasuredBlock, count - first);
    const unsigned char* block = chunk.data + first * sizeof(Real);
    state = crc32c_extended(state, block, length * sizeof(Real));
    const Measure part = copy_measured(block, out + first, length, all.squared_norm, is_past_cache);
    all.squared_norm = part.squared_norm;
    all.largest = std::isnan(all.largest) || all.largest > part.largest ? all.largest : part.largest;
  }
  return {~state == chunk.crc32c, all};
}

}  // namespace heronry
