// A board with round holes that discs lie in, smooth at their edges, in whole numbers alone.
#pragma once

#include <cstddef>
#include <cstdint>

#include "canvas.h"

namespace heronry::games {

class DiscBoard {
 public:
  static constexpr std::size_t kCell = 64;

  DiscBoard(std::uint8_t* frame, std::size_t num_columns) : frame_(frame), width_(num_columns * kCell) {}

  // Holds nothing, the first player's disc or the second's.
  void cell(std::size_t column, std::size_t row, std::size_t content) {
    static constexpr Colour kBoard{52, 84, 140};
    static constexpr Colour kRims[] = {{38, 62, 106}, {176, 58, 52}, {206, 160, 44}};
    static constexpr Colour kFaces[] = {{235, 238, 243}, {222, 88, 78}, {244, 203, 88}};
    std::uint8_t* const corner = frame_ + 3 * (row * kCell * width_ + column * kCell);
    for (std::size_t y = 0; y < kCell; ++y) {
      for (std::size_t x = 0; x < kCell; ++x) {
        std::uint8_t* const pixel = corner + 3 * (y * width_ + x);
        pixel[0] = kBoard.red;
        pixel[1] = kBoard.green;
        pixel[2] = kBoard.blue;
        blend(pixel, kRims[content], covered(x, y, kRim));
        blend(pixel, kFaces[content], covered(x, y, content == 0 ? kHole : kFace));
      }
    }
  }

 private:
  // Radii in eighths of a pixel.
  static constexpr std::int32_t kRim = 8 * 27, kHole = 8 * 25, kFace = 8 * 21;

  // How many of a pixel's sixteen points are within the radius around the cell's middle.
  static std::int32_t covered(std::size_t x, std::size_t y, std::int32_t radius) {
    std::int32_t count = 0;
    for (std::int32_t i = 0; i < 16; ++i) {
      const std::int32_t dx = 8 * (static_cast<std::int32_t>(x) - 32) + 2 * (i % 4) + 1;
      const std::int32_t dy = 8 * (static_cast<std::int32_t>(y) - 32) + 2 * (i / 4) + 1;
      count += dx * dx + dy * dy <= radius * radius;
    }
    return count;
  }

  static void blend(std::uint8_t* pixel, Colour colour, std::int32_t sixteenths) {
    pixel[0] = mixed(pixel[0], colour.red, sixteenths);
    pixel[1] = mixed(pixel[1], colour.green, sixteenths);
    pixel[2] = mixed(pixel[2], colour.blue, sixteenths);
  }

  static std::uint8_t mixed(std::int32_t below, std::int32_t above, std::int32_t sixteenths) {
    return static_cast<std::uint8_t>((below * (16 - sixteenths) + above * sixteenths + 8) / 16);
  }

  std::uint8_t* frame_;
  std::size_t width_;
};

}  // namespace heronry::games
