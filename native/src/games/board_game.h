// Makes a Game of rules that step one game at a time.
//
// Rules are a class with
//   State: a struct of std::int32_t alone, so that it is saved by itself;
//   Observation: std::uint8_t or float;
//   kNumLanes (players, whose lanes are adjacent), kNumActions, kIsMasked, kFrameHeight, kFrameWidth, kStepNs;
//   Rules(const Options&); std::size_t num_observation() const; std::int64_t time_limit() const;
//   bool allows(const State&) const                                                   of a state that is loaded
//   void reset(State&, Random&) const
//   Outcome<kNumLanes> step(State&, const std::int64_t* actions, Random&) const      actions: [kNumLanes]
//   void observe(const State&, std::size_t player, Observation*) const
//   void mask(const State&, std::size_t player, bool*) const                          where kIsMasked
//   void draw(const State&, std::uint8_t* frame) const
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "game.h"
#include "random.h"

namespace heronry::games {

template <std::size_t kNumLanes>
struct Outcome {
  std::array<float, kNumLanes> rewards{};
  bool terminated = false;
};

template <typename Rules>
class BoardGame final : public Game {
  using State = typename Rules::State;
  using Observation = typename Rules::Observation;
  static constexpr std::size_t kPlayers = Rules::kNumLanes;
  static constexpr std::size_t kNumWords = sizeof(State) / sizeof(std::int32_t);
  // The state, the words drawn from the episode's random numbers, its steps.
  static constexpr std::size_t kNumFields = kNumWords + 2;
  static_assert(std::is_trivially_copyable_v<State> && alignof(State) == alignof(std::int32_t));

 public:
  BoardGame(std::size_t num_lanes, const Options& options) : BoardGame(num_lanes, Rules(options)) {}

  void reset(std::size_t first, std::size_t last, const std::uint64_t* seeds, void* observations) override {
    for (std::size_t lane = first; lane < last; lane += kPlayers) begin(games_[lane / kPlayers], seeds[lane], 0);
    observe(first, last, observations);
  }

  void step(std::size_t first, std::size_t last, const void* actions, const StepOutputs& out) override {
    for (std::size_t lane = first; lane < last; lane += kPlayers) {
      Lane& game = games_[lane / kPlayers];
      const auto outcome = rules_.step(game.state, static_cast<const std::int64_t*>(actions) + lane, game.random);
      const bool late = ++game.steps >= shape().time_limit;
      std::copy_n(outcome.rewards.data(), kPlayers, out.rewards + lane);
      std::fill_n(out.terminated + lane, kPlayers, outcome.terminated);
      std::fill_n(out.truncated + lane, kPlayers, late);
      show(lane, out.next_observations);
      if (outcome.terminated | late) {
        begin(game, game.seed, game.episode + 1);
        show(lane, out.observations);
      } else {
        std::memcpy(at(out.observations, lane), at(out.next_observations, lane),
                    kPlayers * shape().observation_bytes());
      }
    }
  }

  void observe(std::size_t first, std::size_t last, void* observations) const override {
    for (std::size_t lane = first; lane < last; lane += kPlayers) show(lane, observations);
  }

  void save(std::size_t first, std::size_t last, double* states) const override {
    for (std::size_t lane = first; lane < last; ++lane) {
      const Lane& game = games_[lane / kPlayers];
      std::int32_t words[kNumWords];
      std::memcpy(words, &game.state, sizeof(State));
      double* state = std::copy_n(words, kNumWords, states + lane * kNumFields);
      state[0] = static_cast<double>(game.random.num_drawn());
      state[1] = static_cast<double>(game.steps);
    }
  }

  // The state of a game is that of its first lane. Nothing is done where one is not allowed.
  void load(std::size_t first, std::size_t last, const double* states) override {
    for (std::size_t lane = first; lane < last; lane += kPlayers) {
      const bool is_allowed = rules_.allows(state_of(states + lane * kNumFields));
      if (!is_allowed) throw std::invalid_argument("a state that the game cannot be in");
    }
    for (std::size_t lane = first; lane < last; lane += kPlayers) {
      Lane& game = games_[lane / kPlayers];
      const double* fields = states + lane * kNumFields;
      game.state = state_of(fields);
      game.random = Random(game.seed, game.episode, static_cast<std::uint64_t>(fields[kNumWords]));
      game.steps = static_cast<std::int64_t>(fields[kNumWords + 1]);
    }
  }

  void action_masks(std::size_t first, std::size_t last, bool* masks) const override {
    for (std::size_t lane = first; lane < last; ++lane) {
      bool* mask = masks + lane * Rules::kNumActions;
      if constexpr (Rules::kIsMasked) {
        rules_.mask(games_[lane / kPlayers].state, lane % kPlayers, mask);
      } else {
        std::fill_n(mask, Rules::kNumActions, true);
      }
    }
  }

  void render(std::size_t lane, std::uint8_t* frame) const override {
    rules_.draw(games_[lane / kPlayers].state, frame);
  }

 private:
  struct Lane {
    State state;
    Random random;
    std::uint64_t seed, episode;
    std::int64_t steps;
  };

  BoardGame(std::size_t num_lanes, const Rules& rules)
      : Game({num_lanes, kPlayers, rules.num_observation(), std::is_same_v<Observation, std::uint8_t>,
              Rules::kNumActions, 0, kNumFields, Rules::kFrameHeight, Rules::kFrameWidth, rules.time_limit(),
              Rules::kIsMasked, Rules::kStepNs}),
        rules_(rules),
        games_(num_lanes / kPlayers) {
    for (std::size_t i = 0; i < games_.size(); ++i) begin(games_[i], i * kPlayers, 0);
  }

  // A number that is no int32 becomes one that no game allows.
  static State state_of(const double* fields) {
    std::int32_t words[kNumWords];
    std::transform(fields, fields + kNumWords, words, [](double field) {
      const bool fits = field >= -0x1p31 && field < 0x1p31;
      return fits ? static_cast<std::int32_t>(field) : std::numeric_limits<std::int32_t>::min();
    });
    State state;
    std::memcpy(&state, words, sizeof(State));
    return state;
  }

  void begin(Lane& game, std::uint64_t seed, std::uint64_t episode) {
    game.seed = seed;
    game.episode = episode;
    game.steps = 0;
    game.random = Random(seed, episode);
    game.state = State{};
    rules_.reset(game.state, game.random);
  }

  void show(std::size_t lane, void* observations) const {
    for (std::size_t player = 0; player < kPlayers; ++player) {
      rules_.observe(games_[lane / kPlayers].state, player,
                     reinterpret_cast<Observation*>(at(observations, lane + player)));
    }
  }

  char* at(void* observations, std::size_t lane) const {
    return static_cast<char*>(observations) + lane * shape().observation_bytes();
  }

  Rules rules_;
  std::vector<Lane> games_;
};

}  // namespace heronry::games
