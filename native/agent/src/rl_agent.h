// An agent: a network that chooses actions and, with settings, learns from batches.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "architecture.h"
#include "learner.h"
#include "settings.h"

namespace heronry {

// Calls exclude each other: any thread may make them, without the interpreter's lock.
class RlAgent {
 public:
  RlAgent(const Architecture& architecture, const Settings& settings, std::uint64_t seed);
  ~RlAgent();

  // Copies of the weights, and their replacement by others; refused ones change nothing.
  Tensors parameters() const;
  void set_parameters(const Tensors& tensors);

  // Outputs [N, n] of a head for observations [N, ...] as they are stored.
  at::Tensor forward(const std::string& head, const at::Tensor& observations) const;

  // Actions [N, ...]; `action_mask` [N, A] bool may be undefined. `epsilon` is the chance of any allowed action.
  at::Tensor select_action(const at::Tensor& observations, const at::Tensor& action_mask, bool greedy, double epsilon);

  // Log-probabilities [N] of actions under the policy.
  at::Tensor log_probabilities(const at::Tensor& observations, const at::Tensor& actions,
                               const at::Tensor& action_mask) const;

  UpdateResult update(const Batch& batch);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace heronry
