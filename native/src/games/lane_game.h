// Makes a Game of rules without branches: a lane is a few reals, kept field by field so that a step is one vector loop.
//
// Rules are a template over float and double with
//   kNumFields, kNumObservation, kNumActions (or 0 and kNumActionValues), kTimeLimit, kStepNs;
//   Rules(const Options&);
//   Transition<Real> step(Fields<Real, kNumFields>&, Action) const     Action: Real of a choice, else const float*
//   void observe(const Fields<Real, kNumFields>&, float*) const
//   void reset(Fields<Real, kNumFields>&, Random&) const
//   void draw(const Fields<Real, kNumFields>&, Canvas&) const
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "../vector_clones.h"
#include "canvas.h"
#include "game.h"
#include "random.h"

namespace heronry::games {

template <typename Real, std::size_t kNumFields>
using Fields = std::array<Real, kNumFields>;

template <typename Real>
struct Transition {
  Real reward;
  std::int32_t terminated;  // 1 or 0: a bool of a struct keeps the loop from being vectorised
};

// Lanes of one turn of the vector loop: what it leaves for the next loops stays in the first cache.
constexpr std::size_t kBlock = 128;

template <typename Rules>
struct LaneBlock {
  using Real = typename Rules::Real;

  std::array<Real*, Rules::kNumFields> fields;
  std::int32_t* steps;
  const void* actions;
  float* rewards;
  bool* terminated;
  bool* truncated;
  float* next_observations;
  std::size_t count;
};

template <typename Rules>
HERONRY_IN_CLONE auto step_of(const Rules& rules, Fields<typename Rules::Real, Rules::kNumFields>& state,
                              const void* actions, std::size_t i) {
  if constexpr (Rules::kNumActions > 0) {
    // By way of 32 bits: there older machines convert whole vectors too.
    const auto choice = static_cast<std::int32_t>(static_cast<const std::int64_t*>(actions)[i]);
    return rules.step(state, static_cast<typename Rules::Real>(choice));
  } else {
    return rules.step(state, static_cast<const float*>(actions) + i * Rules::kNumActionValues);
  }
}

// Returns whether an episode ended somewhere.
template <typename Rules>
HERONRY_VECTOR_CLONES bool step_block(const Rules& shared_rules, const LaneBlock<Rules>& block) {
  using Real = typename Rules::Real;
  constexpr std::size_t kNumObservation = Rules::kNumObservation;
  float shown[kNumObservation][kBlock];
  std::int32_t terminated[kBlock];
  // Copies that nobody else can write to: nothing is read again in the loop.
  const Rules rules = shared_rules;
  const LaneBlock<Rules> lanes = block;
  HERONRY_ELEMENTWISE
  for (std::size_t i = 0; i < lanes.count; ++i) {
    Fields<Real, Rules::kNumFields> state;
    for (std::size_t f = 0; f < Rules::kNumFields; ++f) state[f] = lanes.fields[f][i];
    const Transition<Real> transition = step_of(rules, state, lanes.actions, i);
    for (std::size_t f = 0; f < Rules::kNumFields; ++f) lanes.fields[f][i] = state[f];
    lanes.rewards[i] = static_cast<float>(transition.reward);
    terminated[i] = transition.terminated;
    float observation[kNumObservation];
    rules.observe(state, observation);
    for (std::size_t k = 0; k < kNumObservation; ++k) shown[k][i] = observation[k];
  }
  for (std::size_t i = 0; i < lanes.count; ++i) {
    for (std::size_t k = 0; k < kNumObservation; ++k) lanes.next_observations[i * kNumObservation + k] = shown[k][i];
  }
  std::int32_t num_ended = 0;
  HERONRY_ELEMENTWISE
  for (std::size_t i = 0; i < lanes.count; ++i) {
    const std::int32_t steps = lanes.steps[i] + 1, late = steps >= Rules::kTimeLimit ? 1 : 0;
    lanes.steps[i] = steps;
    lanes.terminated[i] = static_cast<bool>(terminated[i]);
    lanes.truncated[i] = static_cast<bool>(late);
    num_ended += terminated[i] | late;
  }
  return num_ended != 0;
}

template <template <typename> class RulesOf, typename RealT>
class LaneGame final : public Game {
  using Rules = RulesOf<RealT>;
  using State = Fields<RealT, Rules::kNumFields>;

 public:
  LaneGame(std::size_t num_lanes, const Options& options)
      : Game({num_lanes, 1, Rules::kNumObservation, false, Rules::kNumActions,
              Rules::kNumActions ? 0 : Rules::kNumActionValues, Rules::kNumFields + 1, Canvas::kHeight, Canvas::kWidth,
              Rules::kTimeLimit, false, Rules::kStepNs * (sizeof(RealT) == 4 ? 1 : 16)}),
        rules_(options),
        seeds_(num_lanes),
        episodes_(num_lanes),
        steps_(num_lanes) {
    for (auto& field : fields_) field.resize(num_lanes);
    for (std::size_t lane = 0; lane < num_lanes; ++lane) begin(lane, lane, 0);
  }

  void reset(std::size_t first, std::size_t last, const std::uint64_t* seeds, void* observations) override {
    for (std::size_t lane = first; lane < last; ++lane) begin(lane, seeds[lane], 0);
    observe(first, last, observations);
  }

  void step(std::size_t first, std::size_t last, const void* actions, const StepOutputs& out) override {
    for (std::size_t lane = first; lane < last; lane += kBlock) {
      step_lanes(lane, std::min(kBlock, last - lane), actions, out);
    }
  }

  void observe(std::size_t first, std::size_t last, void* observations) const override {
    for (std::size_t lane = first; lane < last; ++lane) show(lane, observations);
  }

  void save(std::size_t first, std::size_t last, double* states) const override {
    for (std::size_t lane = first; lane < last; ++lane) {
      double* state = states + lane * (Rules::kNumFields + 1);
      for (const auto& field : fields_) *state++ = static_cast<double>(field[lane]);
      *state = steps_[lane];
    }
  }

  void load(std::size_t first, std::size_t last, const double* states) override {
    for (std::size_t lane = first; lane < last; ++lane) {
      const double* state = states + lane * (Rules::kNumFields + 1);
      for (auto& field : fields_) field[lane] = static_cast<RealT>(*state++);
      steps_[lane] = static_cast<std::int32_t>(*state);
    }
  }

  void action_masks(std::size_t first, std::size_t last, bool* masks) const override {
    std::fill(masks + first * Rules::kNumActions, masks + last * Rules::kNumActions, true);
  }

  void render(std::size_t lane, std::uint8_t* frame) const override {
    Canvas canvas(frame);
    rules_.draw(state_of(lane), canvas);
  }

 private:
  void step_lanes(std::size_t first, std::size_t count, const void* actions, const StepOutputs& out) {
    LaneBlock<Rules> block;
    for (std::size_t f = 0; f < Rules::kNumFields; ++f) block.fields[f] = fields_[f].data() + first;
    float* const successors = static_cast<float*>(out.next_observations) + first * Rules::kNumObservation;
    float* const observations = static_cast<float*>(out.observations) + first * Rules::kNumObservation;
    block.steps = steps_.data() + first;
    block.actions = static_cast<const char*>(actions) + first * shape().action_bytes();
    block.rewards = out.rewards + first;
    block.terminated = out.terminated + first;
    block.truncated = out.truncated + first;
    block.next_observations = successors;
    block.count = count;
    const bool has_ended = step_block(rules_, block);
    std::memcpy(observations, successors, count * Rules::kNumObservation * sizeof(float));
    if (has_ended) begin_again(first, count, out);
  }

  void begin_again(std::size_t first, std::size_t count, const StepOutputs& out) {
    for (std::size_t lane = first; lane < first + count; ++lane) {
      if (!(out.terminated[lane] | out.truncated[lane])) continue;
      begin(lane, seeds_[lane], episodes_[lane] + 1);
      show(lane, out.observations);
    }
  }

  void begin(std::size_t lane, std::uint64_t seed, std::uint64_t episode) {
    seeds_[lane] = seed;
    episodes_[lane] = episode;
    steps_[lane] = 0;
    Random random(seed, episode);
    State state;
    rules_.reset(state, random);
    for (std::size_t f = 0; f < Rules::kNumFields; ++f) fields_[f][lane] = state[f];
  }

  void show(std::size_t lane, void* observations) const {
    rules_.observe(state_of(lane), static_cast<float*>(observations) + lane * Rules::kNumObservation);
  }

  State state_of(std::size_t lane) const {
    State state;
    for (std::size_t f = 0; f < Rules::kNumFields; ++f) state[f] = fields_[f][lane];
    return state;
  }

  Rules rules_;
  std::array<std::vector<RealT>, Rules::kNumFields> fields_;
  std::vector<std::uint64_t> seeds_, episodes_;
  std::vector<std::int32_t> steps_;
};

}  // namespace heronry::games
