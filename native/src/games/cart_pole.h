// CartPole-v1 of Gymnasium. Source: Barto, Sutton and Anderson 1983; Florian 2005 for the equations.
#pragma once

#include "lane_game.h"
#include "real_functions.h"
#include "registry.h"

namespace heronry::games {

template <typename RealT>
struct CartPole {
  using Real = RealT;
  using State = Fields<Real, 4>;  // position, velocity, angle, angular velocity

  static constexpr std::size_t kNumFields = 4, kNumObservation = 4, kNumActions = 2, kNumActionValues = 0;
  static constexpr std::int32_t kTimeLimit = 500;
  static constexpr double kStepNs = 4;

  explicit CartPole(const Options& options)
      : upright_(options.at("sutton_barto_reward") != 0 ? 0 : 1),
        fallen_(options.at("sutton_barto_reward") != 0 ? -1 : 1) {}

  HERONRY_IN_CLONE Transition<Real> step(State& state, Real action) const {
    const Real gravity = 9.8, pole_mass = 0.1, total_mass = 0.1 + 1.0, length = 0.5, pole_moment = 0.1 * 0.5;
    const Real tau = 0.02, third = 4.0 / 3.0;
    const auto [x, v, theta, omega] = state;
    const Real force = action > Real(0.5) ? Real(10) : Real(-10);
    const auto [sine, cosine] = angle(theta);
    const Real push = (force + pole_moment * square(omega) * sine) / total_mass;
    const Real turn = (gravity * sine - cosine * push) / (length * (third - pole_mass * square(cosine) / total_mass));
    const Real pull = push - pole_moment * turn * cosine / total_mass;
    state = {x + tau * v, v + tau * pull, theta + tau * omega, omega + tau * turn};
    const bool has_left = (state[0] < -kFarthest) | (state[0] > kFarthest);
    const bool has_fallen = (state[2] < -kSteepest) | (state[2] > kSteepest);
    const bool terminated = has_left | has_fallen;
    return {terminated ? fallen_ : upright_, terminated ? 1 : 0};
  }

  HERONRY_IN_CLONE void observe(const State& state, float* out) const {
    for (std::size_t f = 0; f < kNumFields; ++f) out[f] = static_cast<float>(state[f]);
  }

  void reset(State& state, Random& random) const {
    for (Real& field : state) field = static_cast<Real>(random.uniform(-0.05, 0.05));
  }

  void draw(const State& state, Canvas& canvas) const {
    const double x = 200.0 + 75.0 * static_cast<double>(state[0]), theta = static_cast<double>(state[2]);
    const Point axle{x, 210.0};
    canvas.fill({247, 246, 242});
    canvas.box({0.0, 233.0}, {400.0, 235.0}, {150, 150, 150});
    canvas.box({x - 32.0, 208.0}, {x + 32.0, 233.0}, {52, 73, 94});
    canvas.line(axle, {x + 140.0 * std::sin(theta), 210.0 - 140.0 * std::cos(theta)}, 5.0, {211, 122, 62});
    canvas.disc(axle, 4.0, {247, 246, 242});
  }

 private:
  static constexpr Real kFarthest = 2.4, kSteepest = 12 * 2 * 3.141592653589793 / 360;

  Real upright_, fallen_;
};

HERONRY_LANE_GAME("CartPole-v1", CartPole)

}  // namespace heronry::games
