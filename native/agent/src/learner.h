// What an algorithm offers to the agent: an update from one batch. Axes: T time, B batch.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tensors.h"

namespace heronry {

// Arrays of a batch by the names of heronry.types.experience.Batch, and the table's size.
struct Batch {
  Tensors columns;
  std::int64_t table_size;

  const at::Tensor& column(const std::string& name) const { return columns.at(name); }
};

using Figures = std::vector<std::pair<std::string, double>>;

struct UpdateResult {
  Figures figures;
  std::int64_t num_gradient_steps;
  std::int64_t num_steps;
  // [B] float64, of algorithms whose tables sample by priority; undefined for others.
  at::Tensor priorities;
};

class Learner {
 public:
  virtual ~Learner() = default;
  virtual UpdateResult update(const Batch& batch) = 0;
  // The agent was given other weights.
  virtual void adopt() {}
};

}  // namespace heronry
