// The settings of heronry.spec.algorithms that an update reads, and the steps over which schedules are laid out.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

namespace heronry {

struct PpoSettings {
  std::int64_t minibatch_size;
  std::int64_t epochs;
  double discount;
  double gae_lambda;
  double learning_rate;
  double clip;
  bool anneal_learning_rate;
  bool anneal_clip;
  double entropy_coefficient;
  double value_coefficient;
  double max_gradient_norm;
  double adam_epsilon;
  bool normalize_advantages;
  std::optional<double> target_kl;
  std::int64_t max_env_steps;
};

struct DqnSettings {
  std::int64_t batch_size;
  double discount;
  double learning_rate;
  double adam_epsilon;
  double max_gradient_norm;
  bool double_q;
  std::int64_t target_update_period;
  std::int64_t min_replay_size;
  double samples_per_insert;
  double importance_exponent_initial;
  double importance_exponent_final;
  bool anneal_learning_rate;
  std::int64_t max_env_steps;
};

// An agent without settings acts, and learns nothing.
using Settings = std::variant<std::monostate, PpoSettings, DqnSettings>;

}  // namespace heronry
