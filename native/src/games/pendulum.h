// Pendulum-v1 of Gymnasium.
#pragma once

#include "lane_game.h"
#include "real_functions.h"
#include "registry.h"

namespace heronry::games {

template <typename RealT>
struct Pendulum {
  using Real = RealT;
  using State = Fields<Real, 2>;  // angle from upright, never wrapped; angular velocity

  static constexpr std::size_t kNumFields = 2, kNumObservation = 3, kNumActions = 0, kNumActionValues = 1;
  static constexpr std::int32_t kTimeLimit = 200;
  static constexpr double kStepNs = 4;

  explicit Pendulum(const Options& options) : pull_(static_cast<Real>(3.0 * options.at("g") / 2.0)) {}

  HERONRY_IN_CLONE Transition<Real> step(State& state, const float* action) const {
    const Real dt = 0.05, fastest = 8;
    const auto [theta, omega] = state;
    const float torque = clipped(action[0], -2.0f, 2.0f);
    const Real cost = python_square(wrapped(theta)) + Real(0.1) * python_square(omega) +
                      static_cast<Real>(0.001f * python_square(torque));
    const Real faster = omega + (pull_ * angle(theta).sine + static_cast<Real>(3.0f * torque)) * dt;
    const Real velocity = clipped(faster, -fastest, fastest);
    state = {theta + velocity * dt, velocity};
    return {-cost, 0};
  }

  HERONRY_IN_CLONE void observe(const State& state, float* out) const {
    const Angle<Real> at = angle(state[0]);
    out[0] = static_cast<float>(at.cosine);
    out[1] = static_cast<float>(at.sine);
    out[2] = static_cast<float>(state[1]);
  }

  void reset(State& state, Random& random) const {
    state[0] = static_cast<Real>(random.uniform(-kPi, kPi));
    state[1] = static_cast<Real>(random.uniform(-1.0, 1.0));
  }

  void draw(const State& state, Canvas& canvas) const {
    const double theta = static_cast<double>(state[0]);
    const Point pivot{200.0, 150.0};
    canvas.fill({247, 246, 242});
    canvas.line(pivot, {200.0 - 110.0 * std::sin(theta), 150.0 - 110.0 * std::cos(theta)}, 11.0, {192, 85, 78});
    canvas.disc(pivot, 5.0, {52, 73, 94});
  }

 private:
  static constexpr double kPi = 3.141592653589793;

  Real pull_;
};

HERONRY_LANE_GAME("Pendulum-v1", Pendulum)

}  // namespace heronry::games
