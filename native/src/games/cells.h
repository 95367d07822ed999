// Pictures of boards: each cell a square with a narrow gap around it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "canvas.h"

namespace heronry::games {

// What a channel of the observation looks like; a list of them goes from the back to the front.
struct Painted {
  std::size_t channel;
  Colour colour;
};

// A square picture of as many cells to a side as asked for, in the middle of what is left over.
class CellPicture {
 public:
  static constexpr std::size_t kSide = 320;

  CellPicture(std::uint8_t* frame, std::size_t num_cells)
      : frame_(frame), cell_(kSide / num_cells), margin_((kSide - cell_ * num_cells) / 2) {}

  void fill(Colour colour) {
    for (std::size_t i = 0; i < kSide * kSide; ++i) put(frame_ + 3 * i, colour);
  }

  void cell(std::size_t x, std::size_t y, Colour colour) {
    for (std::size_t row = y * cell_ + 1; row + 1 < (y + 1) * cell_; ++row) {
      std::uint8_t* const pixels = frame_ + 3 * ((margin_ + row) * kSide + margin_);
      for (std::size_t column = x * cell_ + 1; column + 1 < (x + 1) * cell_; ++column) put(pixels + 3 * column, colour);
    }
  }

 private:
  static void put(std::uint8_t* pixel, Colour colour) {
    pixel[0] = colour.red;
    pixel[1] = colour.green;
    pixel[2] = colour.blue;
  }

  std::uint8_t* frame_;
  std::size_t cell_, margin_;
};

}  // namespace heronry::games
