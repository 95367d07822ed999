// The k largest magnitudes; see heronry/native/top_k.py.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace heronry {

inline std::uint32_t magnitude_bits(float value) { return std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFF; }

// The exponent and the three bits behind it: magnitudes within an eighth of each other share a digit.
constexpr unsigned kDigitShift = 20;
constexpr std::size_t kNumDigits = 2048;
using DigitCounts = std::array<std::size_t, kNumDigits>;

inline DigitCounts count_digits(const float* values, std::size_t count) {
  // Neighbours often share a digit: with one table each count would wait for the last one's store.
  constexpr std::size_t kTables = 4;
  std::vector<DigitCounts> tables(kTables);
  std::size_t i = 0;
  for (; i + kTables <= count; i += kTables)
    for (std::size_t table = 0; table < kTables; ++table)
      ++tables[table][magnitude_bits(values[i + table]) >> kDigitShift];
  for (; i < count; ++i) ++tables[0][magnitude_bits(values[i]) >> kDigitShift];
  for (std::size_t table = 1; table < kTables; ++table)
    for (std::size_t digit = 0; digit < kNumDigits; ++digit) tables[0][digit] += tables[table][digit];
  return tables[0];
}

// Where magnitudes of at least `least` lie, ascending; there are `num_found`.
inline std::vector<std::uint32_t> places_from(const float* values, std::size_t count, std::uint32_t least,
                                              std::size_t num_found) {
  // Every place is written and only kept by the count: a branch would be guessed wrong too often.
  std::vector<std::uint32_t> places(num_found + 1);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    places[found] = static_cast<std::uint32_t>(i);
    found += magnitude_bits(values[i]) >= least;
  }
  places.resize(num_found);
  return places;
}

// The digit of the k-th largest is found by counting; only what shares it is compared in full.
inline void top_k(const float* values, std::size_t count, std::uint32_t* indices, float* kept, std::size_t k) {
  if (k == 0) return;
  const DigitCounts counts = count_digits(values, count);
  std::size_t digit = kNumDigits - 1, num_above = 0;
  for (; num_above + counts[digit] < k; --digit) num_above += counts[digit];
  const std::vector<std::uint32_t> places =
      places_from(values, count, static_cast<std::uint32_t>(digit) << kDigitShift, num_above + counts[digit]);

  std::vector<std::uint32_t> sharing;
  sharing.reserve(counts[digit]);
  for (const std::uint32_t place : places) {
    const std::uint32_t bits = magnitude_bits(values[place]);
    if (bits >> kDigitShift == digit) sharing.push_back(bits);
  }
  const auto last = sharing.begin() + static_cast<std::ptrdiff_t>(k - num_above - 1);
  std::nth_element(sharing.begin(), last, sharing.end(), std::greater<>());
  const std::uint32_t threshold = *last;
  std::size_t num_ties = static_cast<std::size_t>(std::count(sharing.begin(), last + 1, threshold));

  std::size_t taken = 0;
  for (const std::uint32_t place : places) {
    const std::uint32_t bits = magnitude_bits(values[place]);
    if (bits < threshold || (bits == threshold && num_ties == 0)) continue;
    num_ties -= bits == threshold;
    indices[taken] = place;
    kept[taken++] = values[place];
  }
}

}  // namespace heronry
