// What the five MinAtar games share: ten by ten cells, six actions, actions that stick.
// Rules: Young and Tian 2019, and the games' descriptions beside it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <limits>

#include "board_game.h"
#include "cells.h"
#include "registry.h"

namespace heronry::games {

constexpr std::int32_t kSize = 10, kLast = kSize - 1;
constexpr std::int32_t kFullRow = (1 << kSize) - 1;
enum Move : std::int32_t { kNoop, kLeft, kUp, kRight, kDown, kFire };

struct Turn {
  std::int32_t reward;
  bool terminated;
};

// How far an action moves something along one axis.
inline std::int32_t shift(std::int32_t action, std::int32_t less, std::int32_t more) {
  return (action == more) - (action == less);
}

// The channels of one observation, 0 where nothing is.
template <std::size_t kChannels>
class Cells {
 public:
  explicit Cells(std::uint8_t* cells) : cells_(cells) { std::memset(cells, 0, kSize * kSize * kChannels); }

  void set(std::int32_t x, std::int32_t y, std::size_t channel) {
    cells_[static_cast<std::size_t>(y * kSize + x) * kChannels + channel] = 1;
  }
  // Nothing where x is beyond a side.
  void set_inside(std::int32_t x, std::int32_t y, std::size_t channel) {
    if (x >= 0 && x <= kLast) set(x, y, channel);
  }
  // Rows from `first` on, the lowest bit at the left.
  template <typename Rows>
  void set_rows(std::int32_t first, const Rows& rows, std::size_t channel) {
    for (std::int32_t bits : rows) {
      for (; bits != 0; bits &= bits - 1) set(std::countr_zero(static_cast<std::uint32_t>(bits)), first, channel);
      ++first;
    }
  }

 private:
  std::uint8_t* cells_;
};

// Game has State, kChannels, kActions (those that do something), kColours, kStepNs and
//   Game(bool is_ramping), begin(State&, Random&), advance(State&, action, Random&) -> Turn,
//   observe(const State&, Cells<kChannels>&), allows(const State&).
template <typename Game, bool kHasAllActions>
class MinAtar {
 public:
  struct State {
    std::int32_t last_action;
    typename Game::State play;
  };
  using Observation = std::uint8_t;
  static constexpr std::size_t kNumLanes = 1, kNumActions = kHasAllActions ? 6 : std::size(Game::kActions);
  static constexpr std::size_t kFrameHeight = CellPicture::kSide, kFrameWidth = CellPicture::kSide;
  static constexpr bool kIsMasked = false;
  static constexpr double kStepNs = Game::kStepNs;

  explicit MinAtar(const Options& options)
      : game_(options.at("difficulty_ramping") != 0),
        stickiness_(options.at("sticky_action_probability")),
        max_steps_(static_cast<std::int64_t>(options.at("max_steps"))) {}

  std::size_t num_observation() const { return kSize * kSize * Game::kChannels; }
  std::int64_t time_limit() const { return max_steps_ > 0 ? max_steps_ : std::numeric_limits<std::int64_t>::max(); }

  void reset(State& state, Random& random) const {
    state.play = typename Game::State{};
    game_.begin(state.play, random);
  }

  Outcome<1> step(State& state, const std::int64_t* actions, Random& random) const {
    const bool sticks = random.uniform() < stickiness_;
    if (!sticks) state.last_action = chosen(actions[0]);
    const Turn turn = game_.advance(state.play, state.last_action, random);
    return {{static_cast<float>(turn.reward)}, turn.terminated};
  }

  void observe(const State& state, std::size_t, std::uint8_t* out) const {
    Cells<Game::kChannels> cells(out);
    game_.observe(state.play, cells);
  }

  bool allows(const State& state) const {
    return state.last_action >= kNoop && state.last_action <= kFire && game_.allows(state.play);
  }

  void draw(const State& state, std::uint8_t* frame) const {
    std::uint8_t shown[kSize * kSize * Game::kChannels];
    observe(state, 0, shown);
    CellPicture picture(frame, kSize);
    picture.fill({20, 24, 33});
    for (std::size_t i = 0; i < kSize * kSize; ++i) {
      Colour colour{29, 34, 46};
      for (const Painted& painted : Game::kColours) {
        if (shown[i * Game::kChannels + painted.channel]) colour = painted.colour;
      }
      picture.cell(i % kSize, i / kSize, colour);
    }
  }

 private:
  static std::int32_t chosen(std::int64_t action) {
    if constexpr (kHasAllActions) return static_cast<std::int32_t>(action);
    return Game::kActions[action];
  }

  Game game_;
  double stickiness_;
  std::int64_t max_steps_;
};

template <typename... Ints>
bool all_within(std::int32_t low, std::int32_t high, Ints... values) {
  return ((values >= low && values <= high) && ...);
}

template <typename Rows>
bool all_rows_within(std::int32_t low, std::int32_t high, const Rows& rows) {
  return std::all_of(std::begin(rows), std::end(rows), [&](std::int32_t row) { return row >= low && row <= high; });
}

}  // namespace heronry::games

// As the reference registers its games: -v0 has all six actions, -v1 those that do something.
#define HERONRY_MINATAR_GAME(name, Game)    \
  using All##Game = MinAtar<Game, true>;    \
  using Least##Game = MinAtar<Game, false>; \
  HERONRY_BOARD_GAME("MinAtar/" name "-v0", All##Game) \
  HERONRY_BOARD_GAME("MinAtar/" name "-v1", Least##Game)
