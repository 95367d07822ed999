// Random numbers of one episode: word i is a hash of (seed, episode, i), so that no lane depends on another and the
// NumPy twin draws the same. SplitMix64's finaliser: Steele, Lea and Flood 2014.
#pragma once

#include <cstdint>

namespace heronry::games {

class Random {
 public:
  Random() = default;
  Random(std::uint64_t seed, std::uint64_t episode, std::uint64_t num_drawn = 0)
      : key_(mixed(mixed(seed + kGolden) + kGolden * (episode + 1))), num_drawn_(num_drawn) {}

  std::uint64_t word() { return mixed(key_ + kGolden * ++num_drawn_); }
  // Of [0, 1), with 53 bits.
  double uniform() { return static_cast<double>(word() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Of 0 to bound - 1; none is likelier than another by more than bound / 2^32.
  std::int32_t below(std::int32_t bound) {
    return static_cast<std::int32_t>(((word() >> 32) * static_cast<std::uint64_t>(bound)) >> 32);
  }
  std::uint64_t num_drawn() const { return num_drawn_; }

 private:
  static constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;

  static std::uint64_t mixed(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t key_ = 0, num_drawn_ = 0;
};

}  // namespace heronry::games
