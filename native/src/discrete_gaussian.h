// The exact discrete Gaussian; see heronry/native/discrete_gaussian.py.
#pragma once

#include "word_stream.h"

namespace heronry {

using Wide = unsigned __int128;

// True with probability n / d exactly, n <= d < 2^98: digits of 30 bits of a uniform against those of the quotient.
inline bool bernoulli(WordStream& words, Wide n, Wide d) {
  while (n != 0) {
    const Wide at_least = (words.take() >> 34) * d;
    n <<= 30;
    if (at_least + d <= n) return true;
    if (at_least > n) return false;
    n -= at_least;
  }
  return false;
}

// True with probability exp(-n / d), n <= d. Canonne, Kamath and Steinke 2020, Algorithm 1; their Bernoulli(n / (d k))
// as one of n / d and one of 1 / k, so that no product outgrows 128 bits.
inline bool bernoulli_exp_of_fraction(WordStream& words, Wide n, Wide d) {
  std::uint64_t k = 1;
  while ((k == 1 || words.below(k) == 0) && bernoulli(words, n, d)) ++k;
  return k % 2 == 1;
}

inline bool bernoulli_exp_of_1(WordStream& words) {
  std::uint64_t k = 2;
  while (words.below(k) == 0) ++k;
  return k % 2 == 1;
}

inline bool bernoulli_exp(WordStream& words, Wide n, Wide d) {
  for (; n > d; n -= d)
    if (!bernoulli_exp_of_1(words)) return false;
  return bernoulli_exp_of_fraction(words, n, d);
}

// Algorithm 2 with s = 1. The bound on v keeps squares within 128 bits and is met with probability exp(-4096).
inline std::int64_t discrete_laplace(WordStream& words, std::uint64_t t) {
  for (;;) {
    const std::uint64_t u = words.below(t);
    if (!bernoulli_exp_of_fraction(words, u, t)) continue;
    std::uint64_t v = 0;
    while (v < 4096 && bernoulli_exp_of_1(words)) ++v;
    const std::int64_t magnitude = static_cast<std::int64_t>(u + t * v);
    const bool is_negative = words.take() >> 63;
    if (!(is_negative && magnitude == 0)) return is_negative ? -magnitude : magnitude;
  }
}

// Algorithm 3, sigma from 1 to 2^24.
inline std::int64_t discrete_gaussian(WordStream& words, std::uint64_t sigma) {
  const std::uint64_t t = sigma + 1;
  const Wide d = Wide{2} * (sigma * t) * (sigma * t);
  for (;;) {
    const std::int64_t y = discrete_laplace(words, t);
    const std::int64_t off = (y < 0 ? -y : y) * static_cast<std::int64_t>(t) - static_cast<std::int64_t>(sigma * sigma);
    const Wide distance = static_cast<Wide>(off < 0 ? -off : off);
    if (bernoulli_exp(words, distance * distance, d)) return y;
  }
}

}  // namespace heronry
