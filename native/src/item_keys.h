// Keys of items; the bits are described in heronry/native/item_keys.py.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heronry {

struct ItemKeys {
  static constexpr int kGenerationBits = 24;
  static constexpr int kShardShift = 52;
  static constexpr std::uint64_t kGenerationMask = (1U << kGenerationBits) - 1;
  static constexpr std::uint64_t kSlotMask = (1U << 28) - 1;
  static constexpr std::uint32_t kLive = 1U << 31;

  const std::uint32_t* generations;
  std::size_t capacity;
  std::uint64_t shard;

  std::uint64_t key(std::int64_t slot) const {
    return shard << kShardShift | static_cast<std::uint64_t>(slot) << kGenerationBits |
           (generations[slot] & kGenerationMask);
  }

  void find(const std::uint64_t* keys, std::size_t count, std::int64_t* slots, bool* found) const {
    for (std::size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) __builtin_prefetch(generations + slot_of(keys[i + kAhead]));
      const std::uint64_t slot = slot_of(keys[i]);
      const bool is_known = slot < capacity && keys[i] >> kShardShift == shard;
      slots[i] = is_known ? static_cast<std::int64_t>(slot) : 0;
      found[i] = is_known && (generations[slot] & kLive) != 0 && key(slots[i]) == keys[i];
    }
  }

 private:
  static constexpr std::size_t kAhead = 16;

  static std::uint64_t slot_of(std::uint64_t key) { return key >> kGenerationBits & kSlotMask; }
};

}  // namespace heronry
