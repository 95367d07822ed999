// Reference counts of pages.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rows.h"

namespace heronry {

// Collects the pages whose counts fall to zero, and whether one fell below.
template <typename Count>
class References {
 public:
  References(Count* counts, std::int64_t delta, std::int64_t* zeros)
      : counts_(counts), delta_(static_cast<Count>(delta)), zeros_(zeros) {}

  void add(std::int64_t page) {
    const Count count = counts_[page] += delta_;
    if (delta_ >= 0) return;
    if (count == 0) zeros_[num_zeros_++] = page;
    is_below_ |= count < 0;
  }

  std::size_t num_zeros() const { return num_zeros_; }
  bool is_below() const { return is_below_; }

 private:
  Count* counts_;
  Count delta_;
  std::int64_t* zeros_;
  std::size_t num_zeros_ = 0;
  bool is_below_ = false;
};

inline bool all_within_chains(const PageChains& chains, const std::int64_t* rows, const std::int64_t* spans,
                              std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!ChainWalk(chains, rows[i]).visit_pages(spans[i], [](std::int64_t) {})) return false;
  }
  return true;
}

}  // namespace heronry
