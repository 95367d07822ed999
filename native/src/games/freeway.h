// Freeway: across eight lanes of cars, again and again.
#pragma once

#include "minatar.h"

namespace heronry::games {

class Freeway {
 public:
  static constexpr std::int32_t kNumCars = 8;

  // The car in row y + 1 moves by one cell each waits[y] + 1 steps, to the side of runs[y].
  struct State {
    std::int32_t y = kLast, until_move = kRest, num_steps_left = kNumSteps;
    std::int32_t xs[kNumCars] = {}, runs[kNumCars] = {}, waits[kNumCars] = {}, until_car_moves[kNumCars] = {};
  };
  enum Channel : std::size_t { kChicken, kCar, kSpeed1, kSpeed5 = kSpeed1 + 4, kChannels };
  static constexpr std::int32_t kActions[] = {kNoop, kUp, kDown};
  static constexpr Painted kColours[] = {{kSpeed1, {120, 74, 82}},  {kSpeed1 + 1, {106, 76, 92}},
                                         {kSpeed1 + 2, {92, 78, 102}}, {kSpeed1 + 3, {78, 80, 110}},
                                         {kSpeed5, {64, 82, 116}},  {kCar, {224, 105, 92}},
                                         {kChicken, {250, 222, 137}}};
  static constexpr double kStepNs = 100;

  explicit Freeway(bool) {}

  void begin(State& state, Random& random) const { draw_speeds(state, random); }

  Turn advance(State& state, std::int32_t action, Random& random) const {
    std::int32_t reward = 0;
    if (state.until_move == 0 && (action == kUp || action == kDown)) {
      state.until_move = kRest;
      state.y = std::clamp(state.y + shift(action, kUp, kDown), 0, kLast);
    }
    if (state.y == 0) {
      reward = 1;
      state.y = kLast;
      draw_speeds(state, random);
    }
    for (std::int32_t row = 0; row < kNumCars; ++row) drive(state, row);
    if (state.until_move > 0) --state.until_move;
    --state.num_steps_left;
    return {reward, state.num_steps_left < 0};
  }

  void observe(const State& state, Cells<kChannels>& cells) const {
    cells.set(kX, state.y, kChicken);
    for (std::int32_t row = 0; row < kNumCars; ++row) {
      const auto speed = static_cast<std::size_t>(state.waits[row] - 1);
      cells.set(state.xs[row], row + 1, kCar);
      cells.set(wrapped(state.xs[row] - state.runs[row]), row + 1, kSpeed1 + speed);
    }
  }

  bool allows(const State& state) const {
    return all_within(0, kLast, state.y) && all_within(0, kRest, state.until_move) &&
           all_within(-1, kNumSteps, state.num_steps_left) && all_rows_within(0, kLast, state.xs) &&
           all_rows_within(-1, 1, state.runs) && all_rows_within(1, kSlowest, state.waits) &&
           all_rows_within(0, kSlowest, state.until_car_moves);
  }

 private:
  static constexpr std::int32_t kX = 4, kRest = 3, kSlowest = 5, kNumSteps = 2500;

  static void draw_speeds(State& state, Random& random) {
    for (std::int32_t& wait : state.waits) wait = 1 + random.below(kSlowest);
    for (std::int32_t& run : state.runs) run = random.below(2) == 0 ? -1 : 1;
    std::copy_n(state.waits, kNumCars, state.until_car_moves);
  }

  // A car moves when its time has come; the player that it meets goes back.
  static void drive(State& state, std::int32_t row) {
    meet(state, row);
    if (state.until_car_moves[row] > 0) {
      --state.until_car_moves[row];
      return;
    }
    state.until_car_moves[row] = state.waits[row];
    state.xs[row] = wrapped(state.xs[row] + state.runs[row]);
    meet(state, row);
  }

  static void meet(State& state, std::int32_t row) {
    if (state.xs[row] == kX && state.y == row + 1) state.y = kLast;
  }

  static std::int32_t wrapped(std::int32_t x) { return x < 0 ? kLast : x > kLast ? 0 : x; }
};

HERONRY_MINATAR_GAME("Freeway", Freeway)

}  // namespace heronry::games
