// Acrobot-v1 of Gymnasium, the book's equations. Source: Sutton 1996; Sutton and Barto 2018.
#pragma once

#include "lane_game.h"
#include "real_functions.h"
#include "registry.h"

namespace heronry::games {

template <typename RealT>
struct Acrobot {
  using Real = RealT;
  using State = Fields<Real, 4>;  // angles of both joints, their velocities

  static constexpr std::size_t kNumFields = 4, kNumObservation = 6, kNumActions = 3, kNumActionValues = 0;
  static constexpr std::int32_t kTimeLimit = 500;
  static constexpr double kStepNs = 12;

  explicit Acrobot(const Options&) {}

  HERONRY_IN_CLONE Transition<Real> step(State& state, Real action) const {
    const Real dt = 0.2, half = 0.1, sixth = 0.2 / 6.0;
    const Real torque = action - Real(1), fastest1 = 4 * kPi, fastest2 = 9 * kPi;
    const State k1 = slope(state, torque);
    const State k2 = slope(moved(state, half, k1), torque);
    const State k3 = slope(moved(state, half, k2), torque);
    const State k4 = slope(moved(state, dt, k3), torque);
    for (std::size_t f = 0; f < kNumFields; ++f) {
      state[f] = state[f] + sixth * (k1[f] + Real(2) * k2[f] + Real(2) * k3[f] + k4[f]);
    }
    state[0] = unwound(state[0]);
    state[1] = unwound(state[1]);
    state[2] = clipped(state[2], -fastest1, fastest1);
    state[3] = clipped(state[3], -fastest2, fastest2);
    const bool terminated = -angle(state[0]).cosine - angle(state[1] + state[0]).cosine > Real(1);
    return {terminated ? Real(0) : Real(-1), terminated ? 1 : 0};
  }

  HERONRY_IN_CLONE void observe(const State& state, float* out) const {
    const Angle<Real> first = angle(state[0]), second = angle(state[1]);
    out[0] = static_cast<float>(first.cosine);
    out[1] = static_cast<float>(first.sine);
    out[2] = static_cast<float>(second.cosine);
    out[3] = static_cast<float>(second.sine);
    out[4] = static_cast<float>(state[2]);
    out[5] = static_cast<float>(state[3]);
  }

  void reset(State& state, Random& random) const {
    for (Real& field : state) field = static_cast<Real>(static_cast<float>(random.uniform(-0.1, 0.1)));
  }

  void draw(const State& state, Canvas& canvas) const {
    const double first = static_cast<double>(state[0]), second = first + static_cast<double>(state[1]);
    const Point pivot{200.0, 150.0};
    const Point joint{200.0 + 62.0 * std::sin(first), 150.0 + 62.0 * std::cos(first)};
    const Point tip{joint.x + 62.0 * std::sin(second), joint.y + 62.0 * std::cos(second)};
    canvas.fill({247, 246, 242});
    canvas.box({0.0, 87.0}, {400.0, 89.0}, {182, 199, 170});
    canvas.line(pivot, joint, 7.0, {86, 130, 163});
    canvas.line(joint, tip, 7.0, {86, 130, 163});
    canvas.disc(pivot, 6.0, {211, 122, 62});
    canvas.disc(joint, 6.0, {211, 122, 62});
  }

 private:
  static constexpr double kPi = 3.141592653589793;

  HERONRY_IN_CLONE static State moved(const State& state, Real time, const State& slope) {
    State there;
    for (std::size_t f = 0; f < kNumFields; ++f) there[f] = state[f] + time * slope[f];
    return there;
  }

  // The velocities and accelerations, for links of unit mass and length and unit moments of inertia.
  HERONRY_IN_CLONE static State slope(const State& state, Real torque) {
    const auto [theta1, theta2, omega1, omega2] = state;
    const auto [sine, cosine] = angle(theta2);
    const Real square1 = python_square(omega1), square2 = python_square(omega2);
    const Real d1 = Real(0.25) + (Real(1.25) + cosine) + Real(1) + Real(1);
    const Real d2 = (Real(0.25) + Real(0.5) * cosine) + Real(1);
    const Real phi2 = Real(0.5 * 9.8) * lagging_cosine(theta1 + theta2);
    const Real phi1 = Real(-0.5) * square2 * sine - omega2 * omega1 * sine +
                      Real((0.5 + 1.0) * 9.8) * lagging_cosine(theta1) + phi2;
    const Real acceleration2 = (torque + d2 / d1 * phi1 - Real(0.5) * square1 * sine - phi2) /
                               (Real(1.25) - python_square(d2) / d1);
    const Real acceleration1 = -(d2 * acceleration2 + phi1) / d1;
    return {omega1, omega2, acceleration1, acceleration2};
  }

  // Of the angle less a quarter turn: for float its sine, which saves a rounding.
  HERONRY_IN_CLONE static float lagging_cosine(float x) { return angle(x).sine; }
  HERONRY_IN_CLONE static double lagging_cosine(double x) { return std::cos(x - kPi / 2.0); }

  HERONRY_IN_CLONE static float unwound(float x) { return wrapped(x); }
  HERONRY_IN_CLONE static double unwound(double x) {
    while (x > kPi) x = x - 2.0 * kPi;
    while (x < -kPi) x = x + 2.0 * kPi;
    return x;
  }
};

HERONRY_LANE_GAME("Acrobot-v1", Acrobot)

}  // namespace heronry::games
