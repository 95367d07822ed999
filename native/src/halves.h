// Two threads for one pass over vectors that are too long for a cache.
#pragma once

#include <cstddef>
#include <system_error>
#include <thread>

namespace heronry {

// Starting a thread takes as long as a pass over a twentieth of this.
constexpr std::size_t kWorthAThread = std::size_t{1} << 20;

// Calls `part(begin, end)` for all elements: in one piece, or for both halves at a time. `part` throws nothing.
template <typename Part>
void in_halves(std::size_t count, const Part& part) {
  if (count < kWorthAThread || std::thread::hardware_concurrency() < 2) return part(std::size_t{0}, count);
  const std::size_t middle = count / 2 & ~std::size_t{63};
  std::thread other;
  try {
    other = std::thread([&] { part(middle, count); });
  } catch (const std::system_error&) {
    return part(std::size_t{0}, count);
  }
  part(std::size_t{0}, middle);
  other.join();
}

}  // namespace heronry
