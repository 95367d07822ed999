// ConnectFour-v0: two players drop discs into seven columns of six; four in a line win.
#pragma once

#include <algorithm>
#include <cstring>

#include "board_game.h"
#include "disc_board.h"
#include "registry.h"

namespace heronry::games {

class ConnectFour {
 public:
  static constexpr std::int32_t kRows = 6, kColumns = 7;

  // A player's discs in a column are bits, the lowest for the lowest disc.
  struct State {
    std::int32_t mover;
    std::int32_t discs[2][kColumns];
  };
  using Observation = std::uint8_t;
  enum Channel : std::size_t { kOwn, kOther, kTurn, kChannels };
  static constexpr std::size_t kNumLanes = 2, kNumActions = kColumns;
  static constexpr std::size_t kFrameHeight = kRows * DiscBoard::kCell, kFrameWidth = kColumns * DiscBoard::kCell;
  static constexpr bool kIsMasked = true;
  static constexpr double kStepNs = 40;

  explicit ConnectFour(const Options& options) : draws_first_mover_(options.at("random_first_player") != 0) {}

  std::size_t num_observation() const { return kRows * kColumns * kChannels; }
  // One more than there is room for: no game is cut short.
  std::int64_t time_limit() const { return kRows * kColumns + 1; }

  void reset(State& state, Random& random) const {
    if (draws_first_mover_) state.mover = random.below(2);
  }

  // What the waiting player does is ignored. A column that is full loses.
  Outcome<2> step(State& state, const std::int64_t* actions, Random&) const {
    const std::int32_t mover = state.mover;
    const auto column = static_cast<std::int32_t>(actions[mover]);
    const std::int32_t height = taken(state, column) + 1;
    if (height > kFullColumn) return ended(1 - mover);
    state.discs[mover][column] |= height;
    state.mover = 1 - mover;
    if (has_four(state.discs[mover])) return ended(mover);
    Outcome<2> outcome;
    outcome.terminated = is_full(state);
    return outcome;
  }

  // The upper row first.
  void observe(const State& state, std::size_t player, std::uint8_t* out) const {
    const std::uint8_t is_mover = static_cast<std::size_t>(state.mover) == player;
    for (std::int32_t row = kRows - 1; row >= 0; --row) {
      for (std::int32_t column = 0; column < kColumns; ++column, out += kChannels) {
        out[kOwn] = state.discs[player][column] >> row & 1;
        out[kOther] = state.discs[1 - player][column] >> row & 1;
        out[kTurn] = is_mover;
      }
    }
  }

  void mask(const State& state, std::size_t player, bool* out) const {
    const bool is_mover = static_cast<std::size_t>(state.mover) == player;
    for (std::int32_t column = 0; column < kColumns; ++column) {
      out[column] = is_mover ? taken(state, column) < kFullColumn : column == 0;
    }
  }

  // Discs lie on each other. Who is ahead may differ by any number: games of handicaps are games too.
  bool allows(const State& state) const {
    if (state.mover != 0 && state.mover != 1) return false;
    for (std::int32_t column = 0; column < kColumns; ++column) {
      const std::int32_t first = state.discs[0][column], second = state.discs[1][column], both = first | second;
      if (first < 0 || second < 0 || both > kFullColumn) return false;
      if ((first & second) != 0 || (both & (both + 1)) != 0) return false;
    }
    return true;
  }

  void draw(const State& state, std::uint8_t* frame) const {
    DiscBoard board(frame, kColumns);
    for (std::int32_t row = 0; row < kRows; ++row) {
      for (std::int32_t column = 0; column < kColumns; ++column) {
        const std::int32_t height = kRows - 1 - row;
        const std::int32_t first = state.discs[0][column] >> height & 1, second = state.discs[1][column] >> height & 1;
        board.cell(static_cast<std::size_t>(column), static_cast<std::size_t>(row), first ? 1 : second ? 2 : 0);
      }
    }
  }

 private:
  static constexpr std::int32_t kFullColumn = (1 << kRows) - 1;

  static std::int32_t taken(const State& state, std::int32_t column) {
    return state.discs[0][column] | state.discs[1][column];
  }

  static bool is_full(const State& state) {
    for (std::int32_t column = 0; column < kColumns; ++column) {
      if (taken(state, column) != kFullColumn) return false;
    }
    return true;
  }

  static Outcome<2> ended(std::int32_t winner) {
    return {{winner == 0 ? 1.0f : -1.0f, winner == 0 ? -1.0f : 1.0f}, true};
  }

  // Columns are laid end to end with an empty row between them, so that no line runs on into the next column.
  static bool has_four(const std::int32_t (&discs)[kColumns]) {
    std::uint64_t board = 0;
    for (std::int32_t column = 0; column < kColumns; ++column) {
      board |= static_cast<std::uint64_t>(discs[column]) << (column * (kRows + 1));
    }
    for (const std::int32_t step : {1, kRows, kRows + 1, kRows + 2}) {
      const std::uint64_t pairs = board & board >> step;
      if (pairs & pairs >> 2 * step) return true;
    }
    return false;
  }

  bool draws_first_mover_;
};

HERONRY_BOARD_GAME("ConnectFour-v0", ConnectFour)

}  // namespace heronry::games
