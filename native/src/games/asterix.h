// Asterix: treasure is picked up, enemies are kept away from.
#pragma once

#include "minatar.h"

namespace heronry::games {

class Asterix {
 public:
  static constexpr std::int32_t kNumRows = 8;

  // Row y + 1 of the cells holds what kinds[y] says, at xs[y], one cell a move to the side of runs[y].
  struct State {
    std::int32_t x = 5, y = 5, spawn_interval = kSlowestSpawn, until_spawn = kSlowestSpawn;
    std::int32_t move_interval = kSlowestMove, until_move = kSlowestMove, until_ramp = kRampInterval, num_ramps = 0;
    std::int32_t kinds[kNumRows] = {}, xs[kNumRows] = {}, runs[kNumRows] = {};
  };
  enum Channel : std::size_t { kPlayer, kEnemy, kTrail, kGold, kChannels };
  static constexpr std::int32_t kActions[] = {kNoop, kLeft, kUp, kRight, kDown};
  static constexpr Painted kColours[] = {{kTrail, {74, 86, 112}},
                                         {kEnemy, {224, 105, 92}},
                                         {kGold, {250, 200, 92}},
                                         {kPlayer, {102, 178, 214}}};
  static constexpr double kStepNs = 70;

  explicit Asterix(bool is_ramping) : is_ramping_(is_ramping) {}

  void begin(State&, Random&) const {}

  Turn advance(State& state, std::int32_t action, Random& random) const {
    if (state.until_spawn == 0) {
      spawn(state, random);
      state.until_spawn = state.spawn_interval;
    }
    state.x = std::clamp(state.x + shift(action, kLeft, kRight), 0, kLast);
    state.y = std::clamp(state.y + shift(action, kUp, kDown), 1, kNumRows);
    Turn turn = touch(state);
    if (state.until_move == 0) {
      state.until_move = state.move_interval;
      move(state);
      const Turn again = touch(state);
      turn = {turn.reward + again.reward, turn.terminated || again.terminated};
    }
    --state.until_spawn;
    --state.until_move;
    if (is_ramping_ && (state.spawn_interval > 1 || state.move_interval > 1)) ramp(state);
    return turn;
  }

  void observe(const State& state, Cells<kChannels>& cells) const {
    cells.set(state.x, state.y, kPlayer);
    for (std::int32_t row = 0; row < kNumRows; ++row) {
      if (state.kinds[row] == kFree) continue;
      cells.set(state.xs[row], row + 1, state.kinds[row] == kTreasure ? kGold : kEnemy);
      cells.set_inside(state.xs[row] - state.runs[row], row + 1, kTrail);
    }
  }

  bool allows(const State& state) const {
    return all_within(0, kLast, state.x) && all_within(1, kNumRows, state.y) &&
           all_within(1, kSlowestSpawn, state.spawn_interval) && all_within(0, kSlowestSpawn, state.until_spawn) &&
           all_within(1, kSlowestMove, state.move_interval) && all_within(0, kSlowestMove, state.until_move) &&
           all_within(-1, kRampInterval, state.until_ramp) && all_within(0, kMostRamps, state.num_ramps) &&
           all_rows_within(kFree, kTreasure, state.kinds) && all_rows_within(0, kLast, state.xs) &&
           all_rows_within(-1, 1, state.runs);
  }

 private:
  enum Kind : std::int32_t { kFree, kFoe, kTreasure };
  static constexpr std::int32_t kSlowestSpawn = 10, kSlowestMove = 5, kRampInterval = 100, kMostRamps = 1 << 20;

  // Treasure, once in three, or an enemy comes in at one side of a free row.
  static void spawn(State& state, Random& random) {
    const bool comes_from_left = random.below(2) == 0, is_treasure = random.below(3) == 0;
    const auto num_free = static_cast<std::int32_t>(std::count(state.kinds, state.kinds + kNumRows, kFree));
    if (num_free == 0) return;
    std::int32_t row = 0;
    for (std::int32_t skipped = random.below(num_free); state.kinds[row] != kFree || skipped-- > 0;) ++row;
    state.kinds[row] = is_treasure ? kTreasure : kFoe;
    state.xs[row] = comes_from_left ? 0 : kLast;
    state.runs[row] = comes_from_left ? 1 : -1;
  }

  static void move(State& state) {
    for (std::int32_t row = 0; row < kNumRows; ++row) {
      if (state.kinds[row] == kFree) continue;
      state.xs[row] += state.runs[row];
      if (state.xs[row] < 0 || state.xs[row] > kLast) clear(state, row);
    }
  }

  static Turn touch(State& state) {
    const std::int32_t row = state.y - 1;
    if (state.kinds[row] == kFree || state.xs[row] != state.x) return {0, false};
    if (state.kinds[row] == kFoe) return {0, true};
    clear(state, row);
    return {1, false};
  }

  static void clear(State& state, std::int32_t row) {
    state.kinds[row] = kFree;
    state.xs[row] = state.runs[row] = 0;
  }

  // Things come in sooner from time to time, and move sooner every second time.
  static void ramp(State& state) {
    if (state.until_ramp >= 0) {
      --state.until_ramp;
      return;
    }
    if (state.move_interval > 1 && state.num_ramps % 2 != 0) --state.move_interval;
    if (state.spawn_interval > 1) --state.spawn_interval;
    ++state.num_ramps;
    state.until_ramp = kRampInterval;
  }

  bool is_ramping_;
};

HERONRY_MINATAR_GAME("Asterix", Asterix)

}  // namespace heronry::games
