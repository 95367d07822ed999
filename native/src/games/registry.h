// Games by name. A game's header ends with a line that enters it; CMake compiles each header once.
#pragma once

#include <memory>
#include <stdexcept>

#include "game.h"

namespace heronry::games {

// `precision` is 32 or 64 among the options of games of reals.
using Maker = std::unique_ptr<Game> (*)(std::size_t num_lanes, const Options& options);

std::map<std::string, Maker>& makers();

struct Entry {
  Entry(const char* name, Maker maker) { makers().emplace(name, maker); }
};

}  // namespace heronry::games

// A game whose rules are `Rules<float>` and `Rules<double>`; see lane_game.h.
#define HERONRY_LANE_GAME(name, Rules)                                                                    \
  static const Entry entry_of_##Rules(                                                                    \
      name, [](std::size_t num_lanes, const Options& options) -> std::unique_ptr<Game> {                  \
        if (options.at("precision") == 64) return std::make_unique<LaneGame<Rules, double>>(num_lanes, options); \
        return std::make_unique<LaneGame<Rules, float>>(num_lanes, options);                              \
      });

// A game whose rules work on one game at a time; see board_game.h.
#define HERONRY_BOARD_GAME(name, Rules)                                                  \
  static const Entry entry_of_##Rules(                                                   \
      name, [](std::size_t num_lanes, const Options& options) -> std::unique_ptr<Game> { \
        return std::make_unique<BoardGame<Rules>>(num_lanes, options);                   \
      });
