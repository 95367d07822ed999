// A set of slots without gaps; see heronry/native/dense.py.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heronry {

struct DenseSet {
  std::uint32_t* dense;
  std::uint32_t* position;
  std::size_t size;

  bool holds(std::int64_t slot) const {
    const std::uint32_t place = position[slot];
    return place < size && dense[place] == static_cast<std::uint32_t>(slot);
  }

  void insert(const std::int64_t* slots, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) put(size + i, static_cast<std::uint32_t>(slots[i]));
    size += count;
  }

  // Every slot is in the set, at most once in `slots`. Those near the end are marked first: the rest of
  // the tail then fills the holes in its order.
  void remove(const std::int64_t* slots, std::size_t count) {
    const std::size_t remaining = size - count;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t place = position[slots[i]];
      if (place >= remaining) dense[place] = kGone;
    }
    std::size_t tail = remaining;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t place = position[slots[i]];
      if (place >= remaining) continue;
      while (tail < size && dense[tail] == kGone) ++tail;
      if (tail == size) break;
      put(place, dense[tail++]);
    }
    size = remaining;
  }

 private:
  static constexpr std::uint32_t kGone = UINT32_MAX;

  void put(std::size_t place, std::uint32_t slot) {
    dense[place] = slot;
    position[slot] = static_cast<std::uint32_t>(place);
  }
};

}  // namespace heronry
