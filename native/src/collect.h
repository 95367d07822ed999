// Whole unrolls without coming back to Python: a network acts in a game, step by step.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <vector>

#include "choices.h"
#include "forward.h"
#include "games/hosted_game.h"

namespace heronry {

// Pointers are of the first row; rows are [num_steps, num_lanes].
struct UnrollColumns {
  char* observations;
  float* outputs;             // of the network
  void* actions;
  float* rewards;
  bool* terminated;
  bool* truncated;
  char* next_observations;
  bool* action_masks;         // null where every choice is always allowed
};

struct Seconds {
  double environment = 0.0, inference = 0.0;
};

class Collector {
 public:
  // `shown` are the observations that the next actions are chosen from; they become those after the last step.
  Collector(games::HostedGame& game, const Network& network, const Randoms& randoms, const UnrollColumns& columns,
            char* shown, const float* low, const float* high, std::size_t num_steps)
      : game_(game), network_(network), randoms_(randoms), columns_(columns), shown_(shown), low_(low), high_(high),
        num_steps_(num_steps), executed_(game.shape().num_lanes * game.shape().num_action_values) {}

  double nanoseconds() const {
    const double lanes = static_cast<double>(game_.shape().num_lanes * num_steps_);
    return game_.nanoseconds(num_steps_) + lanes * network_.row_ns();
  }

  // The lane whose action could not be chosen, or -1. Time is that of the first lanes' thread.
  std::int64_t run(Seconds& seconds) {
    const auto part = [&](std::size_t first, std::size_t last) { collect(first, last, seconds); };
    // Fewer lanes than fill the vectors of two threads take each of them as long as all take one.
    if (game_.shape().num_lanes < 2 * kLanes) {
      part(0, game_.shape().num_lanes);
    } else {
      game_.over_lanes(nanoseconds(), part);
    }
    return faulty_lane_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void collect(std::size_t first, std::size_t last, Seconds& seconds) {
    const games::Shape& shape = game_.shape();
    const std::size_t bytes = shape.observation_bytes();
    Workspace work;
    Clock::duration environment{}, inference{};
    std::memcpy(columns_.observations + first * bytes, shown_ + first * bytes, (last - first) * bytes);
    for (std::size_t t = 0; t < num_steps_ && faulty_lane_ < 0; ++t) {
      const Clock::time_point begun = Clock::now();
      if (!act(t, first, last, work)) return;
      const Clock::time_point acted = Clock::now();
      step(t, first, last);
      inference += acted - begun;
      environment += Clock::now() - acted;
    }
    if (first == 0) seconds = {std::chrono::duration<double>(environment).count(),
                               std::chrono::duration<double>(inference).count()};
  }

  bool act(std::size_t t, std::size_t first, std::size_t last, Workspace& work) {
    const games::Shape& shape = game_.shape();
    const std::size_t row = t * shape.num_lanes + first, num_outputs = network_.num_outputs();
    const char* observations = columns_.observations + row * shape.observation_bytes();
    float* outputs = columns_.outputs + row * num_outputs;
    if (shape.observes_bytes) {
      network_.evaluate(reinterpret_cast<const std::uint8_t*>(observations), last - first, outputs, work);
    } else {
      network_.evaluate(reinterpret_cast<const float*>(observations), last - first, outputs, work);
    }
    if (columns_.action_masks) {
      game_.game().action_masks(first, last, columns_.action_masks + t * shape.num_lanes * num_outputs);
    }
    for (std::size_t lane = first; lane < last; ++lane) {
      if (!choose(t * shape.num_lanes + lane, lane)) {
        faulty_lane_ = static_cast<std::int64_t>(lane);
        return false;
      }
    }
    return true;
  }

  bool choose(std::size_t row, std::size_t lane) {
    const std::size_t num_outputs = network_.num_outputs();
    float* outputs = columns_.outputs + row * num_outputs;
    if (game_.shape().num_actions) {
      const bool* mask = columns_.action_masks ? columns_.action_masks + row * num_outputs : nullptr;
      if (mask && !mask_outputs(outputs, mask, num_outputs)) return false;
      static_cast<std::int64_t*>(columns_.actions)[row] = choice(randoms_, row, outputs, mask, num_outputs);
      return true;
    }
    bool is_number = true;
    for (std::size_t j = 0; j < num_outputs; ++j) {
      const float action = outputs[j] + randoms_.deviation[row * num_outputs + j];
      static_cast<float*>(columns_.actions)[row * num_outputs + j] = action;
      executed_[lane * num_outputs + j] = std::min(std::max(action, low_[j]), high_[j]);
      is_number &= !std::isnan(action);
    }
    return is_number;
  }

  void step(std::size_t t, std::size_t first, std::size_t last) {
    const games::Shape& shape = game_.shape();
    const std::size_t row = t * shape.num_lanes, bytes = shape.observation_bytes();
    const bool is_last = t + 1 == num_steps_;
    char* following = is_last ? shown_ : columns_.observations + (row + shape.num_lanes) * bytes;
    const void* actions = shape.num_actions ? static_cast<const char*>(columns_.actions) + row * shape.action_bytes()
                                            : reinterpret_cast<const char*>(executed_.data());
    game_.game().step(first, last, actions,
                      {following, columns_.rewards + row, columns_.terminated + row, columns_.truncated + row,
                       columns_.next_observations + row * bytes});
  }

  games::HostedGame& game_;
  const Network& network_;
  const Randoms randoms_;
  const UnrollColumns columns_;
  char* shown_;
  const float *low_, *high_;
  const std::size_t num_steps_;
  std::vector<float> executed_;
  std::atomic<std::int64_t> faulty_lane_ = -1;
};

}  // namespace heronry
