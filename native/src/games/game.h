// What the engine, the policy loop and Python know of a game: N lanes, each with a random number generator of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace heronry::games {

// Numbers by name, every option that the game has; the face in Python checked them.
using Options = std::map<std::string, double>;

struct Shape {
  std::size_t num_lanes;
  std::size_t lanes_per_game;      // adjacent; 1 but for games of several players
  std::size_t num_observation;     // elements of a lane's observation
  bool observes_bytes;             // uint8, else float32
  std::size_t num_actions;         // choices, of type int64; 0: reals
  std::size_t num_action_values;   // float32 components of a real action; 0: choices
  std::size_t num_state_fields;    // of a lane, as float64
  std::size_t frame_height, frame_width;
  std::int64_t time_limit;         // steps after which an episode is truncated
  bool is_masked;                  // not every choice is allowed everywhere
  double step_ns;                  // of one lane, roughly: says when threads or releasing a lock pay

  std::size_t observation_bytes() const { return num_observation * (observes_bytes ? 1 : sizeof(float)); }
  std::size_t action_bytes() const { return num_actions ? sizeof(std::int64_t) : num_action_values * sizeof(float); }
};

// Written in place; all pointers are of lane 0.
struct StepOutputs {
  void* observations;        // what the next action is chosen from: of the next episode where one ended
  float* rewards;
  bool* terminated;
  bool* truncated;
  void* next_observations;   // of the true successor
};

// Calls for ranges that do not meet may run at the same time; ranges hold whole games.
class Game {
 public:
  explicit Game(const Shape& shape) : shape_(shape) {}
  virtual ~Game() = default;
  Game(const Game&) = delete;
  Game& operator=(const Game&) = delete;

  const Shape& shape() const { return shape_; }

  // Begins the first episode of lanes [first, last). Of a game with several lanes the first lane's seed counts.
  virtual void reset(std::size_t first, std::size_t last, const std::uint64_t* seeds, void* observations) = 0;
  // Actions are in range and no NaN. Where an episode ends the lane's next one begins at once.
  virtual void step(std::size_t first, std::size_t last, const void* actions, const StepOutputs& out) = 0;
  virtual void observe(std::size_t first, std::size_t last, void* observations) const = 0;
  // The game's fields, then the steps of the episode: [lane, num_state_fields].
  virtual void save(std::size_t first, std::size_t last, double* states) const = 0;
  virtual void load(std::size_t first, std::size_t last, const double* states) = 0;
  // Which choices are allowed: [lane, num_actions].
  virtual void action_masks(std::size_t first, std::size_t last, bool* masks) const = 0;
  // RGB, [frame_height, frame_width, 3].
  virtual void render(std::size_t lane, std::uint8_t* frame) const = 0;

 private:
  Shape shape_;
};

}  // namespace heronry::games
