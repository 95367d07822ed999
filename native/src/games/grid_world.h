// GridWorld-v0: from the upper left corner to the lower right one, past holes.
#pragma once

#include <algorithm>
#include <cstring>

#include "board_game.h"
#include "cells.h"
#include "registry.h"

namespace heronry::games {

// Holes are drawn for each episode, then a way of steps to the right and down is cleared: without slips the shortest
// way is always 2 (size - 1) steps.
class GridWorld {
 public:
  static constexpr std::int32_t kMostSize = 16;

  struct State {
    std::int32_t x, y;
    std::int32_t holes[kMostSize];  // bits, the lowest for the cell at the left
  };
  using Observation = std::uint8_t;
  enum Channel : std::size_t { kPlayer, kGoal, kHole, kChannels };
  static constexpr std::size_t kNumLanes = 1, kNumActions = 4;
  static constexpr std::size_t kFrameHeight = CellPicture::kSide, kFrameWidth = CellPicture::kSide;
  static constexpr bool kIsMasked = false;
  static constexpr double kStepNs = 80;

  explicit GridWorld(const Options& options)
      : last_(static_cast<std::int32_t>(options.at("size")) - 1),
        hole_probability_(options.at("hole_probability")),
        slip_probability_(options.at("slip_probability")),
        step_cost_(static_cast<float>(options.at("step_cost"))) {}

  std::size_t num_observation() const { return num_cells() * kChannels; }
  std::int64_t time_limit() const { return 4 * static_cast<std::int64_t>(num_cells()); }

  void reset(State& state, Random& random) const {
    for (std::int32_t y = 0; y <= last_; ++y) {
      for (std::int32_t x = 0; x <= last_; ++x) {
        if (random.uniform() < hole_probability_) state.holes[y] |= 1 << x;
      }
    }
    clear_a_way(state, random);
  }

  // Actions: up, right, down, left. A slip turns them aside, to either side alike.
  Outcome<1> step(State& state, const std::int64_t* actions, Random& random) const {
    auto heading = static_cast<std::int32_t>(actions[0]);
    if (slip_probability_ > 0 && random.uniform() < slip_probability_) heading += random.below(2) == 0 ? 1 : 3;
    constexpr std::int32_t kAside[] = {0, 1, 0, -1}, kDown[] = {-1, 0, 1, 0};
    state.x = std::clamp(state.x + kAside[heading % 4], 0, last_);
    state.y = std::clamp(state.y + kDown[heading % 4], 0, last_);
    if (state.x == last_ && state.y == last_) return {{1.0f}, true};
    if ((state.holes[state.y] >> state.x & 1) != 0) return {{-1.0f}, true};
    return {{-step_cost_}, false};
  }

  void observe(const State& state, std::size_t, std::uint8_t* out) const {
    std::memset(out, 0, num_observation());
    for (std::int32_t y = 0; y <= last_; ++y) {
      for (std::int32_t x = 0; x <= last_; ++x) out[place(x, y, kHole)] = state.holes[y] >> x & 1;
    }
    out[place(last_, last_, kGoal)] = 1;
    out[place(state.x, state.y, kPlayer)] = 1;
  }

  bool allows(const State& state) const {
    const std::int32_t full = (1 << (last_ + 1)) - 1;
    const auto is_row = [&](std::int32_t row) { return row >= 0 && row <= full; };
    return state.x >= 0 && state.x <= last_ && state.y >= 0 && state.y <= last_ &&
           std::all_of(state.holes, state.holes + last_ + 1, is_row) &&
           std::all_of(state.holes + last_ + 1, state.holes + kMostSize, [](std::int32_t row) { return row == 0; });
  }

  void draw(const State& state, std::uint8_t* frame) const {
    CellPicture picture(frame, static_cast<std::size_t>(last_ + 1));
    picture.fill({226, 222, 212});
    for (std::int32_t y = 0; y <= last_; ++y) {
      for (std::int32_t x = 0; x <= last_; ++x) {
        Colour colour{247, 246, 242};
        if (state.holes[y] >> x & 1) colour = {74, 86, 112};
        if (x == last_ && y == last_) colour = {123, 174, 111};
        if (x == state.x && y == state.y) colour = {211, 122, 62};
        picture.cell(static_cast<std::size_t>(x), static_cast<std::size_t>(y), colour);
      }
    }
  }

 private:
  std::size_t num_cells() const { return static_cast<std::size_t>((last_ + 1) * (last_ + 1)); }
  std::size_t place(std::int32_t x, std::int32_t y, std::size_t channel) const {
    return static_cast<std::size_t>(y * (last_ + 1) + x) * kChannels + channel;
  }

  void clear_a_way(State& state, Random& random) const {
    std::int32_t x = 0, y = 0;
    state.holes[0] &= ~1;
    while (x < last_ || y < last_) {
      const bool goes_right = y == last_ || (x < last_ && random.below(2) == 0);
      (goes_right ? x : y) += 1;
      state.holes[y] &= ~(1 << x);
    }
  }

  std::int32_t last_;
  double hole_probability_, slip_probability_;
  float step_cost_;
};

HERONRY_BOARD_GAME("GridWorld-v0", GridWorld)

}  // namespace heronry::games
