// Breakout: a paddle keeps a ball in play that breaks three rows of bricks.
#pragma once

#include "minatar.h"

namespace heronry::games {

class Breakout {
 public:
  // Bricks are bits, the lowest for the cell at the left; `run` and `rise` are 1 or -1 a step, to the right and down.
  struct State {
    std::int32_t paddle = 4, x = 0, y = 3, run = 1, rise = 1, last_x = 0, last_y = 3, is_among_bricks = 0;
    std::int32_t bricks[3] = {kFullRow, kFullRow, kFullRow};
  };
  enum Channel : std::size_t { kPaddle, kBall, kTrail, kBrick, kChannels };
  static constexpr std::int32_t kActions[] = {kNoop, kLeft, kRight};
  static constexpr Painted kColours[] = {
      {kBrick, {201, 92, 72}}, {kTrail, {74, 86, 112}}, {kPaddle, {102, 178, 214}}, {kBall, {250, 222, 137}}};
  static constexpr double kStepNs = 50;

  explicit Breakout(bool) {}

  void begin(State& state, Random& random) const {
    if (random.below(2) == 0) return;
    state.x = state.last_x = kLast;
    state.run = -1;
  }

  Turn advance(State& state, std::int32_t action, Random&) const {
    state.paddle = std::clamp(state.paddle + shift(action, kLeft, kRight), 0, kLast);
    state.last_x = state.x;
    state.last_y = state.y;
    const std::int32_t x = state.x + state.run, y = state.y + state.rise;
    if (x < 0 || x > kLast) {
      state.run = -state.run;
    } else {
      state.x = x;
    }
    return meet(state, y);
  }

  void observe(const State& state, Cells<kChannels>& cells) const {
    cells.set(state.paddle, kLast, kPaddle);
    cells.set(state.x, state.y, kBall);
    cells.set(state.last_x, state.last_y, kTrail);
    cells.set_rows(kTop, state.bricks, kBrick);
  }

  bool allows(const State& state) const {
    return all_within(0, kLast, state.paddle, state.x, state.y, state.last_x, state.last_y) &&
           all_within(-1, 1, state.run, state.rise) && all_within(0, 1, state.is_among_bricks) &&
           all_rows_within(0, kFullRow, state.bricks);
  }

 private:
  static constexpr std::int32_t kTop = 1, kNumRows = 3;

  // The ball moves to row y, or turns back from what is there.
  Turn meet(State& state, std::int32_t y) const {
    const bool was_among_bricks = state.is_among_bricks != 0;
    state.is_among_bricks = 0;
    if (y < 0) {
      state.y = 0;
      state.rise = -state.rise;
    } else if (is_brick(state, y)) {
      // Of bricks that follow each other the ball breaks the first alone; it flies on through the next.
      state.is_among_bricks = 1;
      if (was_among_bricks) {
        state.y = y;
        return {0, false};
      }
      state.bricks[y - kTop] &= ~(1 << state.x);
      state.rise = -state.rise;
      return {1, false};
    } else if (y >= kLast) {
      return {0, !returns(state)};
    } else {
      state.y = y;
    }
    return {0, false};
  }

  // The paddle sends the ball up again, or it is lost.
  bool returns(State& state) const {
    if ((state.bricks[0] | state.bricks[1] | state.bricks[2]) == 0) std::fill_n(state.bricks, kNumRows, kFullRow);
    if (state.last_x == state.paddle) {
      state.rise = -state.rise;
    } else if (state.x == state.paddle) {
      state.rise = -state.rise;
      state.run = -state.run;
    } else {
      state.y = kLast;
      return false;
    }
    return true;
  }

  static bool is_brick(const State& state, std::int32_t y) {
    return y >= kTop && y < kTop + kNumRows && (state.bricks[y - kTop] >> state.x & 1) != 0;
  }
};

HERONRY_MINATAR_GAME("Breakout", Breakout)

}  // namespace heronry::games
