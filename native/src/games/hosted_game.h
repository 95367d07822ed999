// A game together with the threads that its lanes are split over.
#pragma once

#include <memory>

#include "game.h"
#include "worker_threads.h"

namespace heronry::games {

class HostedGame {
 public:
  // Work below this is done sooner than another thread wakes, or the interpreter's lock comes back.
  static constexpr double kWorthwhileNs = 50'000;

  HostedGame(std::unique_ptr<Game> game, std::size_t num_threads) : game_(std::move(game)), threads_(num_threads) {}

  Game& game() { return *game_; }
  const Game& game() const { return *game_; }
  const Shape& shape() const { return game_->shape(); }

  double nanoseconds(std::size_t num_steps) const {
    return shape().step_ns * static_cast<double>(shape().num_lanes * num_steps);
  }

  bool is_long(std::size_t num_steps) const { return nanoseconds(num_steps) >= kWorthwhileNs; }

  // Calls work(first, last) for ranges that cover the lanes, side by side where that pays.
  template <typename Work>
  void over_lanes(double nanoseconds, const Work& work) {
    const std::size_t num_lanes = shape().num_lanes, num_threads = threads_.num_threads();
    if (num_threads <= 1 || nanoseconds < kWorthwhileNs || num_lanes < 2 * kGrain) {
      work(std::size_t{0}, num_lanes);
      return;
    }
    const std::size_t num_grains = (num_lanes + kGrain - 1) / kGrain;
    threads_.run([&](std::size_t part) {
      const auto edge = [&](std::size_t p) { return std::min(num_lanes, num_grains * p / num_threads * kGrain); };
      if (edge(part) < edge(part + 1)) work(edge(part), edge(part + 1));
    });
  }

  // Rows follow each other in all arrays: actions [num_steps, num_lanes, ...] and so on.
  void step(std::size_t num_steps, const void* actions, const StepOutputs& out) {
    over_lanes(nanoseconds(num_steps), [&](std::size_t first, std::size_t last) {
      const std::size_t num_lanes = shape().num_lanes, bytes = num_lanes * shape().observation_bytes();
      for (std::size_t t = 0; t < num_steps; ++t) {
        game_->step(first, last, static_cast<const char*>(actions) + t * num_lanes * shape().action_bytes(),
                    {static_cast<char*>(out.observations) + t * bytes, out.rewards + t * num_lanes,
                     out.terminated + t * num_lanes, out.truncated + t * num_lanes,
                     static_cast<char*>(out.next_observations) + t * bytes});
      }
    });
  }

 private:
  // Fewer lanes than a cache line has flags: of games with heavy steps there are few to share out.
  static constexpr std::size_t kGrain = 8;

  std::unique_ptr<Game> game_;
  WorkerThreads threads_;
};

}  // namespace heronry::games
