// Small pictures: boxes and thick lines with round ends, smooth at their edges.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace heronry::games {

struct Colour {
  std::uint8_t red, green, blue;
};

struct Point {
  double x, y;
};

// Points are in pixels, from the left and from the top; a pixel's middle is at one half.
class Canvas {
 public:
  static constexpr std::size_t kHeight = 300, kWidth = 400;

  explicit Canvas(std::uint8_t* frame) : frame_(frame) {}

  void fill(Colour colour) {
    for (std::size_t i = 0; i < kHeight * kWidth; ++i) paint(frame_ + 3 * i, colour, 1.0);
  }

  // Its corners need not lie on pixels.
  void box(Point low, Point high, Colour colour) {
    each(low, high, [&](double x, double y) {
      return overlap(x, low.x, high.x) * overlap(y, low.y, high.y);
    }, colour);
  }

  void disc(Point middle, double radius, Colour colour) { line(middle, middle, radius, colour); }

  void line(Point from, Point to, double radius, Colour colour) {
    const double dx = to.x - from.x, dy = to.y - from.y, square = dx * dx + dy * dy;
    const Point low{std::min(from.x, to.x) - radius - 1.0, std::min(from.y, to.y) - radius - 1.0};
    const Point high{std::max(from.x, to.x) + radius + 1.0, std::max(from.y, to.y) + radius + 1.0};
    each(low, high, [&](double x, double y) {
      const double px = x - from.x, py = y - from.y;
      const double along = square > 0.0 ? std::clamp((px * dx + py * dy) / square, 0.0, 1.0) : 0.0;
      const double qx = px - along * dx, qy = py - along * dy;
      return std::clamp(radius + 0.5 - std::sqrt(qx * qx + qy * qy), 0.0, 1.0);
    }, colour);
  }

 private:
  template <typename Cover>
  void each(Point low, Point high, const Cover& cover, Colour colour) {
    const auto [left, right] = pixels(low.x, high.x, kWidth);
    const auto [top, bottom] = pixels(low.y, high.y, kHeight);
    for (std::size_t y = top; y < bottom; ++y) {
      for (std::size_t x = left; x < right; ++x) {
        paint(frame_ + 3 * (y * kWidth + x), colour, cover(static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5));
      }
    }
  }

  static std::pair<std::size_t, std::size_t> pixels(double low, double high, std::size_t size) {
    const double end = static_cast<double>(size);
    return {static_cast<std::size_t>(std::clamp(std::floor(low), 0.0, end)),
            static_cast<std::size_t>(std::clamp(std::ceil(high), 0.0, end))};
  }

  static double overlap(double middle, double low, double high) {
    return std::clamp(std::min(middle + 0.5, high) - std::max(middle - 0.5, low), 0.0, 1.0);
  }

  static void paint(std::uint8_t* pixel, Colour colour, double cover) {
    pixel[0] = mixed(pixel[0], colour.red, cover);
    pixel[1] = mixed(pixel[1], colour.green, cover);
    pixel[2] = mixed(pixel[2], colour.blue, cover);
  }

  static std::uint8_t mixed(std::uint8_t below, std::uint8_t above, double cover) {
    return static_cast<std::uint8_t>(below + (static_cast<double>(above) - below) * cover + 0.5);
  }

  std::uint8_t* frame_;
};

}  // namespace heronry::games
