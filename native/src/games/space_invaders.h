// Space Invaders: a cannon against rows of aliens that come down.
#pragma once

#include <bit>

#include "minatar.h"

namespace heronry::games {

class SpaceInvaders {
 public:
  using Rows = std::int32_t[kSize];

  // Rows of cells are bits, the lowest for the cell at the left.
  struct State {
    std::int32_t cannon = 5, run = -1, interval = kSlowest, until_move = kSlowest, until_alien_shot = kAlienReload;
    std::int32_t until_shot = 0;
    Rows aliens = {kWave, kWave, kWave, kWave}, bullets = {}, alien_bullets = {};
  };
  enum Channel : std::size_t { kCannon, kAlien, kAlienLeft, kAlienRight, kFriendlyBullet, kEnemyBullet, kChannels };
  static constexpr std::int32_t kActions[] = {kNoop, kLeft, kRight, kFire};
  static constexpr Painted kColours[] = {{kAlien, {123, 174, 111}},
                                         {kAlienRight, {92, 148, 120}},
                                         {kFriendlyBullet, {250, 222, 137}},
                                         {kEnemyBullet, {224, 105, 92}},
                                         {kCannon, {102, 178, 214}}};
  static constexpr double kStepNs = 150;

  explicit SpaceInvaders(bool is_ramping) : is_ramping_(is_ramping) {}

  void begin(State&, Random&) const {}

  Turn advance(State& state, std::int32_t action, Random&) const {
    man_cannon(state, action);
    std::copy(state.bullets + 1, state.bullets + kSize, state.bullets);
    state.bullets[kLast] = 0;
    std::copy_backward(state.alien_bullets, state.alien_bullets + kLast, state.alien_bullets + kSize);
    state.alien_bullets[0] = 0;
    bool is_over = is_at_cannon(state, state.alien_bullets) || is_at_cannon(state, state.aliens);
    if (state.until_move == 0) is_over |= move_aliens(state);
    if (state.until_alien_shot == 0) shoot_back(state);
    const std::int32_t reward = strike(state);
    if (state.until_shot > 0) --state.until_shot;
    --state.until_move;
    --state.until_alien_shot;
    if (num_bits(state.aliens) == 0) bring_next_wave(state);
    return {reward, is_over};
  }

  void observe(const State& state, Cells<kChannels>& cells) const {
    cells.set(state.cannon, kLast, kCannon);
    cells.set_rows(0, state.aliens, kAlien);
    cells.set_rows(0, state.aliens, state.run < 0 ? kAlienLeft : kAlienRight);
    cells.set_rows(0, state.bullets, kFriendlyBullet);
    cells.set_rows(0, state.alien_bullets, kEnemyBullet);
  }

  bool allows(const State& state) const {
    return all_within(0, kLast, state.cannon) && all_within(-1, 1, state.run) &&
           all_within(kFastest, kSlowest, state.interval) && all_within(0, kSlowest, state.until_move) &&
           all_within(0, kAlienReload, state.until_alien_shot) && all_within(0, kReload, state.until_shot) &&
           all_rows_within(0, kFullRow, state.aliens) && all_rows_within(0, kFullRow, state.bullets) &&
           all_rows_within(0, kFullRow, state.alien_bullets);
  }

 private:
  static constexpr std::int32_t kWave = 0b0011111100, kWaveRows = 4;
  static constexpr std::int32_t kReload = 5, kAlienReload = 10, kSlowest = 12, kFastest = 6;

  static void man_cannon(State& state, std::int32_t action) {
    state.cannon = std::clamp(state.cannon + shift(action, kLeft, kRight), 0, kLast);
    if (action != kFire || state.until_shot > 0) return;
    state.bullets[kLast] |= 1 << state.cannon;
    state.until_shot = kReload;
  }

  static bool is_at_cannon(const State& state, const Rows& rows) { return (rows[kLast] >> state.cannon & 1) != 0; }

  static std::int32_t num_bits(const Rows& rows) {
    std::int32_t count = 0;
    for (const std::int32_t row : rows) count += std::popcount(static_cast<std::uint32_t>(row));
    return count;
  }

  // Aside, or down where an alien is at the edge; returns whether that ends the game.
  static bool move_aliens(State& state) {
    state.until_move = std::min(num_bits(state.aliens), state.interval);
    const std::int32_t edge = state.run < 0 ? 1 : 1 << kLast;
    bool is_over = false;
    if (std::any_of(state.aliens, state.aliens + kSize, [&](std::int32_t row) { return (row & edge) != 0; })) {
      state.run = -state.run;
      is_over = state.aliens[kLast] != 0;
      std::rotate(state.aliens, state.aliens + kLast, state.aliens + kSize);
    } else {
      for (std::int32_t& row : state.aliens) row = state.run < 0 ? row >> 1 : row << 1;
    }
    return is_over || is_at_cannon(state, state.aliens);
  }

  // The lowest alien of the column nearest to the cannon shoots, the one at the left of two as near.
  static void shoot_back(State& state) {
    state.until_alien_shot = kAlienReload;
    for (std::int32_t distance = 0; distance < kSize; ++distance) {
      for (const std::int32_t x : {state.cannon - distance, state.cannon + distance}) {
        if (x >= 0 && x <= kLast && shoots_in(state, x)) return;
      }
    }
  }

  static bool shoots_in(State& state, std::int32_t x) {
    for (std::int32_t y = kLast; y >= 0; --y) {
      if ((state.aliens[y] >> x & 1) == 0) continue;
      state.alien_bullets[y] |= 1 << x;
      return true;
    }
    return false;
  }

  // Removes bullets and aliens that share a cell; returns how many aliens.
  static std::int32_t strike(State& state) {
    std::int32_t num_hits = 0;
    for (std::int32_t y = 0; y < kSize; ++y) {
      const std::int32_t hits = state.aliens[y] & state.bullets[y];
      state.aliens[y] &= ~hits;
      state.bullets[y] &= ~hits;
      num_hits += std::popcount(static_cast<std::uint32_t>(hits));
    }
    return num_hits;
  }

  void bring_next_wave(State& state) const {
    if (is_ramping_ && state.interval > kFastest) --state.interval;
    std::fill_n(state.aliens, kSize, 0);
    std::fill_n(state.aliens, kWaveRows, kWave);
  }

  bool is_ramping_;
};

HERONRY_MINATAR_GAME("SpaceInvaders", SpaceInvaders)

}  // namespace heronry::games
