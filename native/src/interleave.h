// Pictures from plane after plane to pixel after pixel; see heronry/native/interleave.py.
#pragma once

#include <cstddef>
#include <cstdint>

#include "vector_clones.h"

namespace heronry {

// With a constant number of planes the compiler shuffles whole vectors.
template <std::size_t kPlanes>
HERONRY_IN_CLONE void interleave_few(const std::uint8_t* planes, std::size_t size, std::uint8_t* out) {
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t c = 0; c < kPlanes; ++c) out[i * kPlanes + c] = planes[c * size + i];
  }
}

HERONRY_IN_CLONE void interleave_many(const std::uint8_t* planes, std::size_t num_planes, std::size_t size,
                                      std::uint8_t* out) {
  for (std::size_t c = 0; c < num_planes; ++c) {
    for (std::size_t i = 0; i < size; ++i) out[i * num_planes + c] = planes[c * size + i];
  }
}

HERONRY_VECTOR_CLONES inline void interleave(const std::uint8_t* planes, std::size_t num_pictures,
                                             std::size_t num_planes, std::size_t size, std::uint8_t* out) {
  const std::size_t num_bytes = num_planes * size;
  for (std::size_t n = 0; n < num_pictures; ++n, planes += num_bytes, out += num_bytes) {
    switch (num_planes) {
      case 2: interleave_few<2>(planes, size, out); break;
      case 3: interleave_few<3>(planes, size, out); break;
      case 4: interleave_few<4>(planes, size, out); break;
      default: interleave_many(planes, num_planes, size, out);
    }
  }
}

}  // namespace heronry
