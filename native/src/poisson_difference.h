// Differences of two Poisson numbers; see heronry/native/poisson_difference.py.
#pragma once

#include <cmath>

#include "elementary_functions.h"
#include "word_stream.h"

namespace heronry {

class Poisson {
 public:
  explicit Poisson(double mean)
      : mean_(mean),
        whole_(std::floor(mean)),
        part_(mean - whole_),
        b_(0.931 + 2.53 * std::sqrt(mean)),
        a_(-0.059 + 0.02483 * b_),
        inverse_alpha_(kHigher * (1.1239 + 1.1328 / (b_ - 3.4))),
        v_r_((0.9177 - 3.6224 / (b_ - 2.0)) / kHigher) {}

  std::int64_t draw(WordStream& words) const { return mean_ < 10 ? arrivals(words) : transformed(words); }

 private:
  // Under the published hat the acceptance exceeds 1 by up to 0.6 % at means below 2000, and the published v_r (0.9277)
  // accepts up to 0.2 % too often.
  static constexpr double kHigher = 1.01;

  // How many intervals, exponentially distributed, end before the mean.
  std::int64_t arrivals(WordStream& words) const {
    double left = mean_ + logarithm(uniform_above_0(words.take()));
    std::int64_t count = 0;
    for (; left > 0; ++count) left += logarithm(uniform_above_0(words.take()));
    return count;
  }

  // Hörmann 1993, algorithm PTRS.
  std::int64_t transformed(WordStream& words) const {
    for (;;) {
      const double u = uniform_above_0(words.take()) - 0.5;
      const double v = uniform_above_0(words.take());
      const double u_s = 0.5 - std::fabs(u);
      if (u_s < 0.013 && v > u_s) continue;
      // The mean's whole part is added as an integer: a sum of doubles would move the edges between integers.
      const double k = std::floor((2.0 * a_ / u_s + b_) * u + part_ + 0.43) + whole_;
      if (u_s >= 0.07 && v <= v_r_) return static_cast<std::int64_t>(k);
      if (k < 0 || k > 0x1p52) continue;
      if (logarithm(v * inverse_alpha_ / (a_ / (u_s * u_s) + b_)) <= log_probability(k)) {
        return static_cast<std::int64_t>(k);
      }
    }
  }

  // Loader 2000: no difference of large terms, so it stays right for any mean.
  double log_probability(double k) const {
    if (k == 0) return -mean_;
    return -0.5 * logarithm(6.283185307179586 * k) - stirling_error(k) - deviance(k);
  }

  // log(k!) less Stirling's formula.
  static double stirling_error(double k) {
    constexpr double kFirst[] = {
        0.0, 0.08106146679532726, 0.0413406959554093, 0.02767792568499834, 0.020790672103765093,
        0.016644691189821193, 0.013876128823070748, 0.01189670994589177, 0.010411265261972096, 0.009255462182712733,
        0.00833056343336287, 0.007573675487951841, 0.00694284010720953, 0.006408994188004207, 0.0059513701127588475,
        0.00555473355196280};
    if (k < 16) return kFirst[static_cast<int>(k)];
    const double square = k * k;
    return (0.08333333333333333 - (0.002777777777777778 - (0.0007936507936507937 -
           (0.0005952380952380953 - 0.0008417508417508417 / square) / square) / square) / square) / k;
  }

  // k log(k / mean) + mean - k.
  double deviance(double k) const {
    const double difference = k - mean_;
    if (std::fabs(difference) >= 0.1 * (k + mean_)) return k * logarithm(k / mean_) - difference;
    const double v = difference / (k + mean_), square = v * v;
    double sum = difference * v, power = 2.0 * k * v;
    for (int i = 3;; i += 2) {
      power *= square;
      const double longer = sum + power / i;
      if (longer == sum) return sum;
      sum = longer;
    }
  }

  double mean_, whole_, part_, b_, a_, inverse_alpha_, v_r_;
};

}  // namespace heronry
