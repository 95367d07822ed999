#include "rl_agent.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "batch_checks.h"
#include "distributions.h"
#include "dqn.h"
#include "ppo.h"

namespace heronry {
namespace {

std::unique_ptr<Learner> make_learner(const Architecture& architecture, FlatNetwork& network, const Settings& settings,
                                      std::uint64_t seed) {
  if (const auto* ppo = std::get_if<PpoSettings>(&settings)) {
    for (const char* head : {"policy", "value"}) architecture.num_outputs(head);
    return std::make_unique<Ppo>(architecture, network, *ppo, seed);
  }
  if (const auto* dqn = std::get_if<DqnSettings>(&settings)) {
    architecture.num_outputs("q");
    const auto num_components = static_cast<std::int64_t>(architecture.num_choices.size());
    if (num_components != 1) throw Refusal("action_space.components", num_components, "1: DQN learns one choice");
    return std::make_unique<Dqn>(architecture, network, *dqn);
  }
  return nullptr;
}

}  // namespace

struct RlAgent::State {
  State(const Architecture& architecture, const Settings& settings, std::uint64_t seed)
      : architecture(architecture),
        network(architecture),
        learner(make_learner(architecture, network, settings, seed)),
        // Acting draws from numbers of its own: how often it is asked does not change what is learnt.
        generator(at::detail::createCPUGenerator(seed ^ 0x9e3779b97f4a7c15u)) {}

  at::Tensor forward(const std::string& head, const at::Tensor& observations) const {
    architecture.num_outputs(head);
    require_observations("observations", observations, 1, architecture.observation_size());
    at::NoGradGuard no_gradient;
    return network.forward(head, network.weights(), inputs_of(observations, architecture));
  }

  PolicyOutputs outputs(const at::Tensor& observations, const at::Tensor& action_mask) const {
    const std::string head = architecture.acting_head();
    const at::Tensor log_std =
        architecture.has_log_std ? network.weights().at("policy/log_std") : at::Tensor();
    at::Tensor values = forward(head, observations);
    if (action_mask.defined()) require_action_mask("action_mask", action_mask, architecture, values.size(0));
    return {values, log_std, action_mask, architecture.num_choices};
  }

  Architecture architecture;
  FlatNetwork network;
  std::unique_ptr<Learner> learner;
  at::Generator generator;
  std::mutex mutex;
};

RlAgent::RlAgent(const Architecture& architecture, const Settings& settings, std::uint64_t seed)
    : state_(std::make_unique<State>(architecture, settings, seed)) {}

RlAgent::~RlAgent() = default;

Tensors RlAgent::parameters() const {
  const std::lock_guard lock(state_->mutex);
  Tensors copies;
  for (const auto& [name, view] : state_->network.weights()) copies[name] = view.clone();
  return copies;
}

void RlAgent::set_parameters(const Tensors& tensors) {
  const std::lock_guard lock(state_->mutex);
  state_->network.load(tensors);
  if (state_->learner) state_->learner->adopt();
}

at::Tensor RlAgent::forward(const std::string& head, const at::Tensor& observations) const {
  const std::lock_guard lock(state_->mutex);
  return state_->forward(head, observations);
}

at::Tensor RlAgent::select_action(const at::Tensor& observations, const at::Tensor& action_mask, bool greedy,
                                  double epsilon) {
  const std::lock_guard lock(state_->mutex);
  if (!(epsilon >= 0 && epsilon <= 1)) throw Refusal("epsilon", epsilon, "0 to 1");
  if (epsilon > 0 && state_->architecture.has_log_std) throw Refusal("epsilon", epsilon, "0: actions are reals");
  at::NoGradGuard no_gradient;
  const PolicyOutputs outputs = state_->outputs(observations, action_mask);
  const bool is_certain = greedy || !state_->architecture.has("policy");
  const at::Tensor actions = choose(outputs, is_certain, state_->generator);
  return greedy || epsilon == 0 ? actions : explore(actions, outputs, epsilon, state_->generator);
}

at::Tensor RlAgent::log_probabilities(const at::Tensor& observations, const at::Tensor& actions,
                                      const at::Tensor& action_mask) const {
  const std::lock_guard lock(state_->mutex);
  state_->architecture.num_outputs("policy");
  at::NoGradGuard no_gradient;
  const PolicyOutputs outputs = state_->outputs(observations, action_mask);
  const std::int64_t rows = observations.size(0);
  require_actions("actions", actions, state_->architecture, {rows});
  const at::Tensor taken =
      outputs.log_std.defined() ? actions.to(at::kFloat).reshape(outputs.policy.sizes()) : actions.to(at::kLong);
  return policy_terms(outputs, taken, false).log_probabilities;
}

UpdateResult RlAgent::update(const Batch& batch) {
  const std::lock_guard lock(state_->mutex);
  if (!state_->learner) throw Refusal("settings", std::string("none"), "PPO's or DQN's: this agent only acts");
  return state_->learner->update(batch);
}

}  // namespace heronry
