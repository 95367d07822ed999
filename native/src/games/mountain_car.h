// MountainCar-v0 of Gymnasium. Source: Moore 1990.
#pragma once

#include "lane_game.h"
#include "mountain.h"
#include "real_functions.h"
#include "registry.h"

namespace heronry::games {

template <typename RealT>
struct MountainCar {
  using Real = RealT;
  using State = Fields<Real, 2>;  // position, velocity

  static constexpr std::size_t kNumFields = 2, kNumObservation = 2, kNumActions = 3, kNumActionValues = 0;
  static constexpr std::int32_t kTimeLimit = 200;
  static constexpr double kStepNs = 2;

  explicit MountainCar(const Options& options) : goal_velocity_(static_cast<Real>(options.at("goal_velocity"))) {}

  HERONRY_IN_CLONE Transition<Real> step(State& state, Real action) const {
    const Real leftmost = -1.2, rightmost = 0.6, fastest = 0.07, force = 0.001, gravity = 0.0025;
    const Real pull = (action - Real(1)) * force + angle(Real(3) * state[0]).cosine * -gravity;
    const Real velocity = clipped(state[1] + pull, -fastest, fastest);
    const Real position = clipped(state[0] + velocity, leftmost, rightmost);
    const Real onwards = velocity < Real(0) ? Real(0) : velocity;
    state = {position, position == leftmost ? onwards : velocity};
    // One comparison in place of two: of a conjunction the compiler makes no vectors.
    const Real ahead = position - Real(kGoal), faster = state[1] - goal_velocity_;
    return {Real(-1), (ahead < faster ? ahead : faster) >= Real(0) ? 1 : 0};
  }

  HERONRY_IN_CLONE void observe(const State& state, float* out) const {
    out[0] = static_cast<float>(state[0]);
    out[1] = static_cast<float>(state[1]);
  }

  void reset(State& state, Random& random) const { state = {static_cast<Real>(random.uniform(-0.6, -0.4)), Real(0)}; }

  void draw(const State& state, Canvas& canvas) const { draw_mountain(static_cast<double>(state[0]), kGoal, canvas); }

 private:
  static constexpr double kGoal = 0.5;

  Real goal_velocity_;
};

HERONRY_LANE_GAME("MountainCar-v0", MountainCar)

}  // namespace heronry::games
