// MountainCarContinuous-v0 of Gymnasium, whose state is float32 after each step. Source: Moore 1990.
#pragma once

#include "lane_game.h"
#include "mountain.h"
#include "real_functions.h"
#include "registry.h"

namespace heronry::games {

template <typename RealT>
struct MountainCarContinuous {
  using Real = RealT;
  using State = Fields<Real, 2>;  // position, velocity: of float32 in both precisions

  static constexpr std::size_t kNumFields = 2, kNumObservation = 2, kNumActions = 0, kNumActionValues = 1;
  static constexpr std::int32_t kTimeLimit = 999;
  static constexpr double kStepNs = 3;

  explicit MountainCarContinuous(const Options& options)
      : goal_velocity_(static_cast<float>(options.at("goal_velocity"))) {}

  HERONRY_IN_CLONE Transition<Real> step(State& state, const float* action) const {
    constexpr float kLeftmost = -1.2f, kRightmost = 0.6f, kFastest = 0.07f;
    const float before = static_cast<float>(state[0]);
    float velocity = clipped(static_cast<float>(state[1]) + pull(before, action[0]), -kFastest, kFastest);
    const float position = clipped(before + velocity, kLeftmost, kRightmost);
    const float onwards = velocity < 0.0f ? 0.0f : velocity;
    velocity = position == kLeftmost ? onwards : velocity;
    // One comparison in place of two: of a conjunction the compiler makes no vectors.
    const float ahead = position - static_cast<float>(kGoal), faster = velocity - goal_velocity_;
    const bool terminated = (ahead < faster ? ahead : faster) >= 0.0f;
    state = {static_cast<Real>(position), static_cast<Real>(velocity)};
    // By the action as it was given, before it is clipped.
    const Real given = action[0], gain = terminated ? Real(100) : Real(0);
    return {gain - given * given * Real(0.1), terminated ? 1 : 0};
  }

  HERONRY_IN_CLONE void observe(const State& state, float* out) const {
    out[0] = static_cast<float>(state[0]);
    out[1] = static_cast<float>(state[1]);
  }

  void reset(State& state, Random& random) const {
    state = {static_cast<Real>(static_cast<float>(random.uniform(-0.6, -0.4))), Real(0)};
  }

  void draw(const State& state, Canvas& canvas) const { draw_mountain(static_cast<double>(state[0]), kGoal, canvas); }

 private:
  static constexpr double kGoal = 0.45;

  HERONRY_IN_CLONE static float pull(float position, float action) {
    const float force = clipped(action, -1.0f, 1.0f);
    if constexpr (sizeof(Real) == sizeof(float)) {
      return force * 0.0015f - 0.0025f * angle(3.0f * position).cosine;
    } else {
      const double slope = 0.0025 * std::cos(static_cast<double>(3.0f * position));
      // A force at its bound is a Python float there: the difference is rounded to float32 once, not twice.
      if (force != action) return static_cast<float>(static_cast<double>(force) * 0.0015 - slope);
      return force * 0.0015f - static_cast<float>(slope);
    }
  }

  float goal_velocity_;
};

HERONRY_LANE_GAME("MountainCarContinuous-v0", MountainCarContinuous)

}  // namespace heronry::games
