// What both cars share: their hill, drawn.
#pragma once

#include <cmath>

#include "canvas.h"

namespace heronry::games {

constexpr double kHillLeft = -1.2, kHillScale = 400.0 / 1.8;

inline Point on_hill(double position) {
  return {(position - kHillLeft) * kHillScale, 270.0 - (0.45 * std::sin(3.0 * position) + 0.55) * kHillScale};
}

// The hill, a flag at the goal, and a car on two wheels.
inline void draw_mountain(double position, double goal, Canvas& canvas) {
  canvas.fill({247, 246, 242});
  const Point foot = on_hill(goal);
  canvas.box({foot.x - 1.0, foot.y - 40.0}, {foot.x + 1.0, foot.y}, {90, 90, 90});
  canvas.box({foot.x + 1.0, foot.y - 40.0}, {foot.x + 19.0, foot.y - 28.0}, {211, 122, 62});
  for (std::size_t x = 0; x < Canvas::kWidth; ++x) {
    const double left = static_cast<double>(x);
    const Point top = on_hill(kHillLeft + (left + 0.5) / kHillScale);
    canvas.box({left, top.y}, {left + 1.0, 300.0}, {182, 199, 170});
  }
  const Point ground = on_hill(position);
  const double rise = 1.35 * std::cos(3.0 * position), length = std::sqrt(1.0 + rise * rise);
  const Point along{1.0 / length, -rise / length}, up{-rise / length, -1.0 / length};
  const auto at = [&](double a, double u) {
    return Point{ground.x + a * along.x + u * up.x, ground.y + a * along.y + u * up.y};
  };
  canvas.line(at(-12.0, 13.0), at(12.0, 13.0), 6.0, {52, 73, 94});
  canvas.disc(at(-10.0, 5.0), 5.0, {60, 60, 60});
  canvas.disc(at(10.0, 5.0), 5.0, {60, 60, 60});
}

}  // namespace heronry::games
