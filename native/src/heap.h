// Slots in an indexed heap of four children a node; see heronry/native/heap.py.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace heronry {

class Heap {
 public:
  Heap(std::uint32_t* heap, std::uint32_t* position, const double* priorities, const std::uint64_t* orders,
       std::size_t size)
      : heap_(heap), position_(position), priorities_(priorities), orders_(orders), size_(size) {}

  std::size_t size() const { return size_; }
  // A position that leads to another slot is as good as none: the memory may hold anything.
  bool holds(std::uint32_t slot) const {
    return position_[slot] != 0 && position_[slot] <= size_ && heap_[position_[slot] - 1] == slot;
  }

  void insert(std::uint32_t slot) { rise(size_++, slot); }

  void settle(std::uint32_t slot) { settle(slot, position_[slot] - 1); }

  void remove(std::uint32_t slot) {
    const std::size_t hole = position_[slot] - 1;
    position_[slot] = 0;
    const std::uint32_t last = heap_[--size_];
    if (hole < size_) settle(last, hole);
  }

  bool is_valid(std::size_t num_slots) const {
    for (std::size_t place = 0; place < size_; ++place) {
      const std::uint32_t slot = heap_[place];
      if (slot >= num_slots || position_[slot] != place + 1) return false;
      if (place > 0 && is_before(slot, heap_[(place - 1) / kArity])) return false;
    }
    return num_slots - static_cast<std::size_t>(std::count(position_, position_ + num_slots, 0U)) == size_;
  }

 private:
  static constexpr std::size_t kArity = 4;

  bool is_before(std::uint32_t a, std::uint32_t b) const {
    if (priorities_[a] != priorities_[b]) return priorities_[a] < priorities_[b];
    return orders_[a] < orders_[b];
  }

  void put(std::size_t place, std::uint32_t slot) {
    heap_[place] = slot;
    position_[slot] = static_cast<std::uint32_t>(place + 1);
  }

  void settle(std::uint32_t slot, std::size_t place) { rise(sink(place, slot), slot); }

  void rise(std::size_t place, std::uint32_t slot) {
    while (place > 0) {
      const std::size_t above = (place - 1) / kArity;
      if (!is_before(slot, heap_[above])) break;
      put(place, heap_[above]);
      place = above;
    }
    put(place, slot);
  }

  // Returns where the slot belongs; the caller puts it there.
  std::size_t sink(std::size_t place, std::uint32_t slot) {
    for (std::size_t first = kArity * place + 1; first < size_; first = kArity * place + 1) {
      std::size_t least = first;
      const std::size_t end = std::min(first + kArity, size_);
      for (std::size_t child = first + 1; child < end; ++child) {
        if (is_before(heap_[child], heap_[least])) least = child;
      }
      if (!is_before(heap_[least], slot)) break;
      put(place, heap_[least]);
      place = least;
    }
    return place;
  }

  std::uint32_t* heap_;
  std::uint32_t* position_;
  const double* priorities_;
  const std::uint64_t* orders_;
  std::size_t size_;
};

}  // namespace heronry
