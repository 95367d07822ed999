// Page chains as the bindings take them; what doesn't fit would make a walk leave the arrays.
#pragma once

#include "arguments.h"
#include "rows.h"

namespace heronry {

inline PageChains chains_of(const Vector<const std::int64_t>& rows, const Vector<const std::int64_t>& next_page,
                            const Vector<const std::int64_t>& lanes, std::int64_t page_rows) {
  const std::size_t num_pages = next_page.shape(0);
  require(page_rows > 0 && lanes.shape(0) == num_pages, "lanes and next_page of unlike lengths, or no page_rows");
  require_all_below(rows.data(), rows.shape(0), num_pages * static_cast<std::size_t>(page_rows),
                    "a row outside the pages");
  const PageChains chains{next_page.data(), lanes.data(), num_pages, page_rows};
  bool fits = true;
  for (std::size_t i = 0; i < rows.shape(0); ++i) {
    const std::int64_t own = lanes.data()[chains.page_of(rows.data()[i])];
    fits &= own > 0 && own <= page_rows;
  }
  require(fits, "lanes that don't fit a page");
  return chains;
}

}  // namespace heronry
