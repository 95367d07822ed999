// PPO's update: the twin of heronry.algorithms.ppo.ppo, from the same seed with minibatches in the same orders.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "batch_checks.h"
#include "clipped_adam.h"
#include "flat_network.h"
#include "ppo_loss.h"
#include "returns.h"
#include "settings.h"

namespace heronry {

class Ppo : public Learner {
 public:
  Ppo(const Architecture& architecture, FlatNetwork& network, const PpoSettings& settings, std::uint64_t seed)
      : architecture_(architecture),
        settings_(settings),
        network_(network),
        optimizer_(network.flat(), settings.learning_rate, settings.adam_epsilon, settings.max_gradient_norm),
        generator_(at::detail::createCPUGenerator(seed)) {}

  UpdateResult update(const Batch& batch) override {
    const Samples samples = samples_of(batch);
    const Coefficients coefficients = anneal();
    UpdateResult result{{}, 0, samples.size(), {}};
    std::optional<Loss> loss;
    for (std::int64_t epoch = 0; epoch < settings_.epochs; ++epoch) {
      for (const Samples& minibatch : minibatches(samples)) {
        const at::Tensor& raw = minibatch.advantages;
        loss = loss_of(minibatch, settings_.normalize_advantages ? normalized(raw) : raw, coefficients);
        optimizer_.step(loss->total);
        ++result.num_gradient_steps;
      }
      if (!loss || exceeds_target_kl(*loss)) break;
    }
    num_steps_ += samples.size();
    if (loss) result.figures = figures_of(*loss, coefficients.clip);
    return result;
  }

 private:
  Samples samples_of(const Batch& batch) const {
    require_columns(batch, {"observation", "action", "reward", "terminated", "truncated", "next_observation", "mask",
                            "log_probability"}, architecture_);
    const at::Tensor rewards = batch.column("reward").to(at::kFloat);
    const std::int64_t num_steps = rewards.size(0), batch_size = rewards.size(1), num_rows = rewards.numel();
    const at::Tensor &terminated = batch.column("terminated"), &truncated = batch.column("truncated");
    const at::Tensor& mask = batch.column("mask");
    // Rows whose successor is no row's observation and has a value: truncated ones and the last.
    at::Tensor needs_value = truncated.clone();
    needs_value[num_steps - 1].fill_(true);
    const at::Tensor boundary = (needs_value & ~terminated & mask).reshape(-1).nonzero().select(1, 0);
    const at::Tensor observations = inputs_of(batch.column("observation"), architecture_);
    const at::Tensor values = values_of(batch, observations, boundary);
    at::Tensor next_values = at::zeros({num_rows}, at::kFloat);
    const std::int64_t num_followed = num_rows - batch_size;
    next_values.narrow(0, 0, num_followed).copy_(values.narrow(0, batch_size, num_followed));
    // At a cut row the line above took the next episode's first value; these are the true ones.
    next_values.index_copy_(0, boundary, values.narrow(0, num_rows, boundary.size(0)));

    at::Tensor advantages = at::empty({num_rows}, at::kFloat);
    const Steps steps{rewards.const_data_ptr<float>(),   terminated.const_data_ptr<bool>(),
                      truncated.const_data_ptr<bool>(),  mask.const_data_ptr<bool>(),
                      num_steps,                         batch_size,
                      static_cast<float>(settings_.discount)};
    generalized_advantages(steps, values.const_data_ptr<float>(), next_values.const_data_ptr<float>(),
                           static_cast<float>(settings_.gae_lambda), advantages.data_ptr<float>());
    return with_experience_alone({observations, actions_of(batch, num_rows),
                                  batch.column("log_probability").to(at::kFloat).reshape(-1), advantages,
                                  advantages + values.narrow(0, 0, num_rows),
                                  mask_rows(batch, "action_mask", architecture_)},
                                 mask);
  }

  // [T * B + K], of the observations and of the K boundary rows' successors.
  at::Tensor values_of(const Batch& batch, const at::Tensor& observations, const at::Tensor& boundary) const {
    at::NoGradGuard no_gradient;
    const std::int64_t num_rows = observations.size(0);
    const at::Tensor successors = batch.column("next_observation").reshape({num_rows, -1}).index_select(0, boundary);
    const at::Tensor inputs = at::cat({observations, inputs_of(successors, architecture_)});
    return network_.forward("value", network_.weights(), inputs).select(1, 0).contiguous();
  }

  at::Tensor actions_of(const Batch& batch, std::int64_t num_rows) const {
    const at::Tensor& actions = batch.column("action");
    if (architecture_.num_choices.empty()) return actions.reshape({num_rows, -1}).to(at::kFloat);
    return actions.to(at::kLong).reshape({num_rows, -1});
  }

  static Samples with_experience_alone(const Samples& samples, const at::Tensor& mask) {
    if (mask.all().item<bool>()) return samples;
    return samples.take(mask.reshape(-1).nonzero().select(1, 0));
  }

  // Sets the step size, and returns the coefficients, of this point of the run.
  Coefficients anneal() {
    const double fraction = static_cast<double>(num_steps_) / static_cast<double>(settings_.max_env_steps);
    const double remaining = std::max(0.0, 1.0 - fraction);
    optimizer_.learning_rate = settings_.learning_rate * (settings_.anneal_learning_rate ? remaining : 1.0);
    const double clip = settings_.clip * (settings_.anneal_clip ? remaining : 1.0);
    return {clip, settings_.value_coefficient, settings_.entropy_coefficient};
  }

  // The epoch's minibatches, in a random order where there are several. Rounds half to even, as Python does.
  std::vector<Samples> minibatches(const Samples& samples) {
    if (samples.size() == 0) return {};
    const double share = static_cast<double>(samples.size()) / static_cast<double>(settings_.minibatch_size);
    const std::int64_t num_minibatches = std::max<std::int64_t>(1, std::llrint(share));
    if (num_minibatches == 1) return {samples};
    std::vector<Samples> all;
    const at::Tensor order = at::randperm(samples.size(), generator_, at::TensorOptions().dtype(at::kLong));
    for (const at::Tensor& rows : order.tensor_split(num_minibatches)) all.push_back(samples.take(rows));
    return all;
  }

  Loss loss_of(const Samples& samples, const at::Tensor& advantages, const Coefficients& coefficients) const {
    const Tensors views = network_.views();
    const at::Tensor policy = network_.forward("policy", views, samples.observations);
    const at::Tensor values = network_.forward("value", views, samples.observations).select(1, 0);
    const at::Tensor log_std = architecture_.has_log_std ? views.at("policy/log_std") : at::Tensor();
    return ppo_loss({policy, log_std, samples.action_mask, architecture_.num_choices}, values, samples, advantages,
                    coefficients);
  }

  bool exceeds_target_kl(const Loss& loss) const {
    return settings_.target_kl && approximate_kl(loss.log_ratios.detach()).item<double>() > *settings_.target_kl;
  }

  Architecture architecture_;
  PpoSettings settings_;
  FlatNetwork& network_;
  ClippedAdam optimizer_;
  at::Generator generator_;
  std::int64_t num_steps_ = 0;
};

}  // namespace heronry
