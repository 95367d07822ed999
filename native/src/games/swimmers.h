// Fish, submarines, divers and bullets of Seaquest: what moves along a row.
#pragma once

#include "minatar.h"

namespace heronry::games {

// What moves along a row by `run`, 1 or -1, once `until_move` is 0; a submarine shoots by `until_shot`.
struct Swimmer {
  std::int32_t x, y, run, until_move, until_shot;

  bool is_at(std::int32_t at_x, std::int32_t at_y) const { return x == at_x && y == at_y; }
  bool has_left() const { return x < 0 || x > kLast; }
  std::int32_t behind() const { return x - run; }
};

// Swimmers of a kind, the oldest first; what is beyond `count` is 0.
template <std::int32_t kCapacity>
struct School {
  std::int32_t count;
  Swimmer members[kCapacity];

  Swimmer* begin() { return members; }
  Swimmer* end() { return members + count; }
  const Swimmer* begin() const { return members; }
  const Swimmer* end() const { return members + count; }

  // A school is full in states that were loaded only: see the capacities below.
  void add(const Swimmer& swimmer) {
    if (count < kCapacity) members[count++] = swimmer;
  }
  void remove(const Swimmer* swimmer) {
    std::copy(swimmer + 1, static_cast<const Swimmer*>(end()), members + (swimmer - members));
    members[--count] = {};
  }
  Swimmer* find(std::int32_t x, std::int32_t y) {
    return std::find_if(begin(), end(), [&](const Swimmer& swimmer) { return swimmer.is_at(x, y); });
  }
  bool allowed(std::int32_t most_wait) const {
    if (count < 0 || count > kCapacity) return false;
    constexpr auto is_blank = [](const Swimmer& swimmer) {
      return (swimmer.x | swimmer.y | swimmer.run | swimmer.until_move | swimmer.until_shot) == 0;
    };
    const auto is_allowed = [&](const Swimmer& swimmer) {
      return !swimmer.has_left() && all_within(0, kLast - 1, swimmer.y) && all_within(-1, 1, swimmer.run) &&
             all_within(0, most_wait, swimmer.until_move, swimmer.until_shot);
    };
    return std::all_of(begin(), end(), is_allowed) && std::all_of(end(), members + kCapacity, is_blank);
  }
};

}  // namespace heronry::games
