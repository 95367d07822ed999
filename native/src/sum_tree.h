// Sums of weights in a tree of radix 16; the layout and its meaning are in heronry/native/sum_tree.py.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "running_sums.h"

namespace heronry {

class SumTree {
 public:
  static constexpr int kShift = 4;
  static constexpr int kRadix = 1 << kShift;

  SumTree(double* nodes, const std::int64_t* offsets, std::size_t num_levels)
      : nodes_(nodes), offsets_(offsets), num_levels_(num_levels) {}

  void set(const std::int64_t* slots, const double* weights, std::size_t count) {
    double* leaves = nodes_ + offsets_[0];
    for (std::size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) prefetch_children(leaves, slots[i + kAhead] >> kShift);
      leaves[slots[i]] = weights[i];
    }
    std::vector<std::uint32_t> touched(count);
    for (std::size_t i = 0; i < count; ++i) touched[i] = static_cast<std::uint32_t>(slots[i] >> kShift);
    for (std::size_t level = 1; level < num_levels_; ++level) {
      if (level > 1) {
        for (auto& node : touched) node >>= kShift;
      }
      make_distinct(touched, static_cast<std::size_t>(offsets_[level + 1] - offsets_[level]));
      recompute(level, touched);
    }
  }

  void rebuild() {
    for (std::size_t level = 1; level < num_levels_; ++level) {
      const std::int64_t below = (offsets_[level] - offsets_[level - 1]) / kRadix;
      const double* children = nodes_ + offsets_[level - 1];
      double* sums = nodes_ + offsets_[level];
      for (std::int64_t node = 0; node < below; ++node) sums[node] = sum(children + node * kRadix);
    }
  }

  // A group of targets goes down a level together: what a target needs on the next level has arrived
  // from memory when its turn comes.
  void sample(const double* targets, std::size_t count, std::int64_t* out) const {
    double rest[kGroup];
    for (std::size_t first = 0; first < count; first += kGroup) {
      const std::size_t size = std::min(kGroup, count - first);
      std::int64_t* found = out + first;
      std::copy_n(targets + first, size, rest);
      std::fill_n(found, size, 0);
      for (std::size_t level = num_levels_ - 1; level-- > 0;) descend(level, rest, found, size);
    }
  }

 private:
  static constexpr std::size_t kGroup = 64;
  static constexpr std::size_t kAhead = 8;

  static void prefetch_children(const double* level, std::int64_t parent) {
    const double* children = level + parent * kRadix;
    __builtin_prefetch(children);
    __builtin_prefetch(children + kRadix / 2);
  }

  static double sum(const double* children) {
    double total = children[0];
    for (int child = 1; child < kRadix; ++child) total += children[child];
    return total;
  }

  // Marks the nodes in a bitmap where that is no longer than the list; otherwise drops neighbours only.
  static void make_distinct(std::vector<std::uint32_t>& nodes, std::size_t num_nodes) {
    const std::size_t num_words = num_nodes / 64 + 1;
    if (num_words > nodes.size()) {
      nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
      return;
    }
    std::vector<std::uint64_t> marks(num_words);
    for (const std::uint32_t node : nodes) marks[node / 64] |= std::uint64_t{1} << (node % 64);
    nodes.clear();
    for (std::size_t word = 0; word < num_words; ++word) {
      for (std::uint64_t rest = marks[word]; rest != 0; rest &= rest - 1) {
        nodes.push_back(static_cast<std::uint32_t>(word * 64 + std::countr_zero(rest)));
      }
    }
  }

  void recompute(std::size_t level, const std::vector<std::uint32_t>& parents) {
    const double* children = nodes_ + offsets_[level - 1];
    double* sums = nodes_ + offsets_[level];
    for (std::size_t i = 0; i < parents.size(); ++i) {
      if (i + kAhead < parents.size()) prefetch_children(children, parents[i + kAhead]);
      sums[parents[i]] = sum(children + std::size_t{parents[i]} * kRadix);
    }
  }

  void descend(std::size_t level, double* rest, std::int64_t* found, std::size_t size) const {
    const double* nodes = nodes_ + offsets_[level];
    const double* below = level > 0 ? nodes_ + offsets_[level - 1] : nullptr;
    std::int64_t choices[kGroup];
    double starts[kGroup];
    choose_children(nodes, rest, found, size, choices, starts);
    for (std::size_t i = 0; i < size; ++i) {
      const double* children = nodes + found[i] * kRadix;
      if (choices[i] == kRadix) [[unlikely]] choices[i] = last_with_weight(children, starts[i]);
      found[i] = (found[i] << kShift) + choices[i];
      rest[i] = within(rest[i] - starts[i], children[choices[i]]);
      if (below) prefetch_children(below, found[i]);
    }
  }

  // Rounding carried a target past the end; `start` becomes where the chosen child begins.
  static std::int64_t last_with_weight(const double* children, double& start) {
    std::int64_t choice = kRadix - 1;
    while (choice > 0 && !(children[choice] > 0)) --choice;
    if (!(children[choice] > 0)) choice = kRadix - 1;
    start = 0;
    for (std::int64_t child = 0; child < choice; ++child) start = child ? start + children[child] : children[0];
    return choice;
  }

  static double within(double rest, double weight) {
    const double highest = weight > 0 ? std::bit_cast<double>(std::bit_cast<std::uint64_t>(weight) - 1) : 0.0;
    return std::min(std::max(rest, 0.0), highest);
  }

  double* nodes_;
  const std::int64_t* offsets_;
  std::size_t num_levels_;
};

}  // namespace heronry
