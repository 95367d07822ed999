// The compare-exchanges that bring some ranks of N rows into place; see heronry/native/order_statistics.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace heronry {

// Afterwards row `low` holds the smaller and row `high` the larger; a row that nothing reads again is left out.
struct CompareExchange {
  std::uint32_t low, high;
  bool needs_low, needs_high;
};

// Batcher's merge exchange, for any number of rows (Knuth, The Art of Computer Programming 3, 5.2.2, Algorithm M).
inline std::vector<CompareExchange> merge_exchange(std::size_t num_rows) {
  std::vector<CompareExchange> network;
  std::size_t top = 1;
  while (2 * top < num_rows) top *= 2;
  for (std::size_t p = top; p > 0; p /= 2) {
    std::size_t q = top, r = 0, distance = p;
    while (true) {
      for (std::size_t i = 0; i + distance < num_rows; ++i) {
        if ((i & p) == r)
          network.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i + distance), true, true});
      }
      if (q == p) break;
      distance = q - p;
      q /= 2;
      r = p;
    }
  }
  return network;
}

// Only what rows first_rank to last_rank of the sorted order depend on; found from the end.
inline std::vector<CompareExchange> network_of_ranks(std::size_t num_rows, std::size_t first_rank,
                                                     std::size_t last_rank) {
  std::vector<bool> is_needed(num_rows, false);
  for (std::size_t rank = first_rank; rank <= last_rank; ++rank) is_needed[rank] = true;
  const std::vector<CompareExchange> all = merge_exchange(num_rows);
  std::vector<CompareExchange> backwards;
  for (std::size_t i = all.size(); i-- > 0;) {
    CompareExchange step = all[i];
    step.needs_low = is_needed[step.low];
    step.needs_high = is_needed[step.high];
    if (!step.needs_low && !step.needs_high) continue;
    is_needed[step.low] = is_needed[step.high] = true;
    backwards.push_back(step);
  }
  return {backwards.rbegin(), backwards.rend()};
}

}  // namespace heronry
