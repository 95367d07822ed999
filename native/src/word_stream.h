// Words of a stream for samplers that need now more, now fewer of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heronry {

struct StreamIsDry {};

class WordStream {
 public:
  WordStream(const std::uint64_t* words, std::size_t count) : next_(words), end_(words + count) {}

  std::uint64_t take() {
    if (next_ == end_) throw StreamIsDry{};
    return *next_++;
  }
  const std::uint64_t* next() const { return next_; }

  // Of 0 to bound - 1, each exactly as likely (Lemire 2019).
  std::uint64_t below(std::uint64_t bound) {
    unsigned __int128 product = static_cast<unsigned __int128>(take()) * bound;
    if (static_cast<std::uint64_t>(product) < bound) {
      const std::uint64_t surplus = -bound % bound;
      while (static_cast<std::uint64_t>(product) < surplus) product = static_cast<unsigned __int128>(take()) * bound;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  const std::uint64_t* next_;
  const std::uint64_t* end_;
};

struct Drawn {
  std::size_t num_values, num_words;
};

// Adds a draw to each element while the words last. A value begun is given up whole, its words uncounted: drawn anew
// from the same words and more, it is what one long stream gives. To skip those words would favour short draws.
template <typename Draw>
Drawn add_draws(const std::uint64_t* words, std::size_t num_words, std::int64_t* total, std::size_t count,
                const Draw& draw) {
  WordStream stream(words, num_words);
  Drawn drawn{0, 0};
  try {
    while (drawn.num_values < count) {
      const std::int64_t value = draw(stream);
      total[drawn.num_values++] += value;
      drawn.num_words = static_cast<std::size_t>(stream.next() - words);
    }
  } catch (const StreamIsDry&) {
  }
  return drawn;
}

}  // namespace heronry
