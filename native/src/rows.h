// Copying rows, and the rows that windows cover; the layout is described in heronry/native/rows.py.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace heronry {

// Where the rows of a column lie and where they go: out + t * time_stride + b * batch_stride.
struct RowCopy {
  const char* source;
  std::size_t num_rows;
  std::size_t row_bytes;
  char* out;
  std::ptrdiff_t time_stride;
  std::ptrdiff_t batch_stride;
};

constexpr std::size_t kRowsAhead = 12;
constexpr std::size_t kMaxPrefetchBytes = 512;

inline void prefetch_row(const RowCopy& copy, std::int64_t row) {
  if (row < 0 || copy.row_bytes > kMaxPrefetchBytes) return;
  const char* bytes = copy.source + static_cast<std::size_t>(row) * copy.row_bytes;
  for (std::size_t at = 0; at < copy.row_bytes; at += 64) __builtin_prefetch(bytes + at);
}

// A constant size makes the copy one or two instructions; 0 stands for any size.
template <std::size_t kBytes>
void copy_line(const RowCopy& copy, const std::int64_t* rows, std::size_t batch_size, char* out) {
  const std::size_t num_bytes = kBytes ? kBytes : copy.row_bytes;
  for (std::size_t b = 0; b < batch_size; ++b, out += copy.batch_stride) {
    if (b + kRowsAhead < batch_size) prefetch_row(copy, rows[b + kRowsAhead]);
    if (rows[b] < 0) {
      std::memset(out, 0, num_bytes);
    } else {
      std::memcpy(out, copy.source + static_cast<std::size_t>(rows[b]) * num_bytes, num_bytes);
    }
  }
}

inline void copy_rows(const RowCopy& copy, const std::int64_t* rows, std::size_t num_steps,
                      std::size_t batch_size) {
  auto line = copy_line<0>;
  switch (copy.row_bytes) {
    case 1: line = copy_line<1>; break;
    case 2: line = copy_line<2>; break;
    case 4: line = copy_line<4>; break;
    case 8: line = copy_line<8>; break;
    case 16: line = copy_line<16>; break;
    case 32: line = copy_line<32>; break;
    default: break;
  }
  for (std::size_t t = 0; t < num_steps; ++t) {
    line(copy, rows + t * batch_size, batch_size, copy.out + static_cast<std::ptrdiff_t>(t) * copy.time_stride);
  }
}

struct PageChains {
  const std::int64_t* next_page;
  const std::int64_t* lanes;
  std::size_t num_pages;
  std::int64_t page_rows;

  // The rows of a page are a power of two in practice; the division would be half the cost of a short walk.
  std::int64_t page_of(std::int64_t row) const {
    const auto size = static_cast<std::uint64_t>(page_rows);
    return std::has_single_bit(size) ? row >> std::countr_zero(size) : row / page_rows;
  }
};

// A walk along the pages of one lane. Steps count from the window's first row.
class ChainWalk {
 public:
  ChainWalk(const PageChains& chains, std::int64_t row) : chains_(chains), first_page_(chains.page_of(row)) {
    const std::int64_t local = row - first_page_ * chains.page_rows;
    lanes_ = chains.lanes[first_page_];
    if (lanes_ == 1) {
      page_steps_ = chains.page_rows;
      first_step_ = local;
      lane_ = 0;
    } else {
      page_steps_ = chains.page_rows / lanes_;
      first_step_ = local / lanes_;
      lane_ = local - first_step_ * lanes_;
    }
    rewind();
  }

  // Returns -1 for a negative step and past the end of the chain.
  std::int64_t row_of(std::int64_t step) {
    if (step < 0) return -1;
    const std::int64_t wanted = first_step_ + step;
    if (wanted < base_) rewind();
    while (wanted - base_ >= page_steps_) {
      if (!advance()) return -1;
    }
    return page_ < 0 ? -1 : page_ * chains_.page_rows + (wanted - base_) * lanes_ + lane_;
  }

  // Calls `visit` with each page that the steps [0, span) touch; returns whether the chain is that long.
  template <typename Visit>
  bool visit_pages(std::int64_t span, Visit visit) {
    visit(page_);
    while (first_step_ + span - base_ > page_steps_) {
      if (!advance()) return false;
      visit(page_);
    }
    return true;
  }

 private:
  void rewind() {
    page_ = first_page_;
    base_ = 0;
  }

  bool advance() {
    const std::int64_t next = chains_.next_page[page_];
    if (static_cast<std::uint64_t>(next) >= chains_.num_pages) return false;
    page_ = next;
    base_ += page_steps_;
    return true;
  }

  const PageChains& chains_;
  std::int64_t first_page_, lanes_, page_steps_, first_step_, lane_;
  std::int64_t page_ = 0, base_ = 0;
};

// `steps` are [T], or [T, B] when there is one for each window.
inline void window_rows(const PageChains& chains, const std::int64_t* rows, std::size_t batch_size,
                        const std::int64_t* steps, std::size_t num_steps, bool has_own_steps, std::int64_t* out) {
  for (std::size_t b = 0; b < batch_size; ++b) {
    ChainWalk walk(chains, rows[b]);
    for (std::size_t t = 0; t < num_steps; ++t) {
      out[t * batch_size + b] = walk.row_of(has_own_steps ? steps[t * batch_size + b] : steps[t]);
    }
  }
}

}  // namespace heronry
