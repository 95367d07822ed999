// Double DQN's update: the twin of heronry.algorithms.dqn.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "batch_checks.h"
#include "clipped_adam.h"
#include "flat_network.h"
#include "returns.h"
#include "settings.h"

namespace heronry {

// n-step transitions; B each. heronry.algorithms.dqn.windows says what they are.
struct Transitions {
  at::Tensor observations, actions, rewards, discounts, successors, weights;
  at::Tensor successor_masks;  // [B, A] bool, what the successors allow; undefined where everything always is

  // Every `num_groups`-th, from `first` on: neighbours in the sample are neighbours in time, so they are dealt out.
  Transitions dealt(std::int64_t first, std::int64_t num_groups) const {
    const auto of = [=](const at::Tensor& column) {
      return column.slice(0, first, std::nullopt, num_groups).contiguous();
    };
    return {of(observations), of(actions),  of(rewards), of(discounts),
            of(successors),   of(weights),  successor_masks.defined() ? of(successor_masks) : at::Tensor()};
  }
};

class Dqn : public Learner {
 public:
  Dqn(const Architecture& architecture, FlatNetwork& network, const DqnSettings& settings)
      : architecture_(architecture),
        settings_(settings),
        online_(network),
        target_(architecture),
        optimizer_(network.flat(), settings.learning_rate, settings.adam_epsilon, settings.max_gradient_norm) {}

  void adopt() override { target_.copy_from(online_); }

  UpdateResult update(const Batch& batch) override {
    const double fraction = anneal();
    const double exponent =
        settings_.importance_exponent_initial +
        (settings_.importance_exponent_final - settings_.importance_exponent_initial) * fraction;
    const Transitions transitions = transitions_of(batch, exponent);
    const std::int64_t size = transitions.actions.size(0);
    const std::int64_t num_groups = (size + settings_.batch_size - 1) / settings_.batch_size;
    at::Tensor errors = at::empty({size}, at::kFloat);
    std::vector<at::Tensor> losses, values;
    for (std::int64_t group = 0; group < num_groups; ++group) {
      const GradientStep step = gradient_step(transitions.dealt(group, num_groups));
      errors.slice(0, group, std::nullopt, num_groups).copy_(step.errors);
      losses.push_back(step.loss);
      values.push_back(step.value);
    }
    num_items_ += size;
    const Figures figures{{"loss", at::stack(losses).mean().item<double>()},
                          {"mean_value", at::stack(values).mean().item<double>()},
                          {"importance_exponent", exponent},
                          {"mean_error", errors.mean().item<double>()}};
    return {figures, num_groups, size, errors.to(at::kDouble) + kLeastPriority};
  }

 private:
  // Keeps an item whose error happens to be 0 from never being drawn again.
  static constexpr double kLeastPriority = 1e-3;

  struct GradientStep {
    at::Tensor errors, loss, value;
  };

  // Sets the step size of this point of the run; returns how much of the run has passed.
  double anneal() {
    const double drawn = static_cast<double>(num_items_) / settings_.samples_per_insert;
    const double env_steps = static_cast<double>(settings_.min_replay_size) + drawn;
    const double fraction = std::min(1.0, env_steps / static_cast<double>(settings_.max_env_steps));
    optimizer_.learning_rate = settings_.learning_rate * (settings_.anneal_learning_rate ? 1.0 - fraction : 1.0);
    return fraction;
  }

  Transitions transitions_of(const Batch& batch, double exponent) const {
    require_columns(batch, {"observation", "action", "reward", "terminated", "truncated", "next_observation", "mask",
                            "probability"}, architecture_);
    const at::Tensor rewards = batch.column("reward").to(at::kFloat);
    const at::Tensor &terminated = batch.column("terminated"), &truncated = batch.column("truncated");
    const std::int64_t num_steps = rewards.size(0), batch_size = rewards.size(1);
    const Steps steps{rewards.const_data_ptr<float>(),  terminated.const_data_ptr<bool>(),
                      truncated.const_data_ptr<bool>(), batch.column("mask").const_data_ptr<bool>(),
                      num_steps,                        batch_size,
                      static_cast<float>(settings_.discount)};
    at::Tensor returns = at::empty({batch_size}, at::kFloat), discounts = at::empty({batch_size}, at::kFloat);
    at::Tensor successors = at::empty({batch_size}, at::kLong);
    for (std::int64_t lane = 0; lane < batch_size; ++lane) {
      const WindowReturn one = window_return(steps, lane);
      returns.data_ptr<float>()[lane] = one.rewards;
      discounts.data_ptr<float>()[lane] = one.discount;
      successors.data_ptr<std::int64_t>()[lane] = one.last * batch_size + lane;
    }
    const at::Tensor rows = batch.column("next_observation").reshape({num_steps * batch_size, -1});
    const at::Tensor masks = mask_rows(batch, "next_action_mask", architecture_);
    // A window may begin on the row where its environment reset itself: nothing was done there.
    const at::Tensor weights = importance_weights(batch, exponent) * batch.column("mask")[0].to(at::kFloat);
    return {inputs_of(batch.column("observation")[0], architecture_), batch.column("action")[0].to(at::kLong), returns,
            discounts, inputs_of(rows.index_select(0, successors), architecture_), weights,
            masks.defined() ? masks.index_select(0, successors) : masks};
  }

  // (N P(i))^-beta over the batch's largest. Source: Schaul et al. 2016, section 3.4.
  static at::Tensor importance_weights(const Batch& batch, double exponent) {
    const at::Tensor& probabilities = batch.column("probability");
    require_shape("batch.probabilities", probabilities, {batch.column("reward").size(1)});
    require_type("batch.probabilities", probabilities, probabilities.scalar_type() == at::kDouble, "float64");
    // Relative to the rarest item of the batch: the same quotient, without overflow for any N P.
    const at::Tensor scaled = probabilities * static_cast<double>(std::max<std::int64_t>(batch.table_size, 1));
    return (scaled / scaled.min()).pow(-exponent).to(at::kFloat);
  }

  // One step. Errors are 0 for what is no experience.
  GradientStep gradient_step(const Transitions& t) {
    const at::Tensor target = targets(t);
    const at::Tensor values = online_.forward("q", online_.views(), t.observations);
    const at::Tensor errors = values.gather(1, t.actions.unsqueeze(1)).select(1, 0) - target;
    const at::Tensor per_item = at::huber_loss(errors, at::zeros_like(errors), at::Reduction::None);
    const at::Tensor loss = (per_item * t.weights).mean();
    optimizer_.step(loss);
    if (++num_gradient_steps_ % settings_.target_update_period == 0) target_.copy_from(online_);
    return {errors.detach().abs() * (t.weights > 0), loss.detach(), values.detach().mean()};
  }

  // r + gamma^k q_target(s', argmax q(s')) over what s' allows. Source: van Hasselt et al. 2016, equation 4.
  at::Tensor targets(const Transitions& t) const {
    at::NoGradGuard no_gradient;
    const at::Tensor next_target = target_.forward("q", target_.weights(), t.successors);
    at::Tensor chooser =
        settings_.double_q ? online_.forward("q", online_.weights(), t.successors) : next_target;
    if (t.successor_masks.defined()) {
      chooser = chooser.masked_fill(t.successor_masks.logical_not(), -std::numeric_limits<double>::infinity());
    }
    const at::Tensor chosen = chooser.argmax(1, /*keepdim=*/true);
    return at::addcmul(t.rewards, t.discounts, next_target.gather(1, chosen).select(1, 0));
  }

  Architecture architecture_;
  DqnSettings settings_;
  FlatNetwork& online_;
  FlatNetwork target_;
  ClippedAdam optimizer_;
  std::int64_t num_items_ = 0;
  std::int64_t num_gradient_steps_ = 0;
};

}  // namespace heronry
