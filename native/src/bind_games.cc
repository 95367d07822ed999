#include <cmath>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "arguments.h"
#include "bindings.h"
#include "games/hosted_game.h"
#include "games/registry.h"
#include "vector_clones.h"

namespace heronry {
namespace {

using games::HostedGame;
using games::Shape;
using Untyped = nb::ndarray<nb::c_contig, nb::device::cpu>;
using Given = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Flags = Vector<bool>;
template <typename Scalar>
using Tensor = nb::ndarray<Scalar, nb::c_contig, nb::device::cpu>;

HERONRY_VECTOR_CLONES bool all_below(const std::int64_t* choices, std::size_t count, std::uint64_t bound) {
  std::uint64_t outside = 0;
  for (std::size_t i = 0; i < count; ++i) outside |= static_cast<std::uint64_t>(choices[i]) >= bound ? 1 : 0;
  return outside == 0;
}

void require_actions(const Given& actions, const Shape& shape, std::size_t num_rows) {
  const std::size_t count = num_rows * (shape.num_actions ? 1 : shape.num_action_values);
  if (shape.num_actions) {
    if (actions.dtype() != nb::dtype<std::int64_t>()) throw nb::type_error("actions of another type than int64");
    require(actions.size() == count, "not one action for every lane");
    require_index(all_below(static_cast<const std::int64_t*>(actions.data()), count, shape.num_actions),
                  "an action that the game has not");
    return;
  }
  if (actions.dtype() != nb::dtype<float>()) throw nb::type_error("actions of another type than float32");
  require(actions.size() == count, "not one action for every lane");
  const float* values = static_cast<const float*>(actions.data());
  bool holds = true;
  for (std::size_t i = 0; i < count; ++i) holds &= !std::isnan(values[i]);
  require(holds, "an action that is not a number");
}

void require_observations(const Untyped& observations, const Shape& shape, std::size_t num_rows) {
  const nb::dlpack::dtype type = shape.observes_bytes ? nb::dtype<std::uint8_t>() : nb::dtype<float>();
  if (observations.dtype() != type) throw nb::type_error("observations of another type than the game's");
  require(observations.size() == num_rows * shape.num_observation, "observations of another shape than the game's");
}

void reset(HostedGame& game, Vector<const std::uint64_t> seeds, Untyped observations) {
  require(seeds.shape(0) == game.shape().num_lanes, "not one seed for every lane");
  require_observations(observations, game.shape(), game.shape().num_lanes);
  game.game().reset(0, game.shape().num_lanes, seeds.data(), observations.data());
}

void step(HostedGame& game, Given actions, Untyped observations, Tensor<float> rewards, Tensor<bool> terminated,
          Tensor<bool> truncated, Untyped next_observations) {
  const std::size_t num_rows = rewards.size(), num_lanes = game.shape().num_lanes;
  require(num_rows % num_lanes == 0, "not one reward for every lane");
  require(terminated.size() == num_rows && truncated.size() == num_rows, "not as many flags as rewards");
  require_actions(actions, game.shape(), num_rows);
  require_observations(observations, game.shape(), num_rows);
  require_observations(next_observations, game.shape(), num_rows);
  const std::size_t num_steps = num_rows / num_lanes;
  const games::StepOutputs out{observations.data(), rewards.data(), terminated.data(), truncated.data(),
                               next_observations.data()};
  LockReleased released(game.is_long(num_steps));
  game.step(num_steps, actions.data(), out);
}

void observe(const HostedGame& game, Untyped observations) {
  require_observations(observations, game.shape(), game.shape().num_lanes);
  game.game().observe(0, game.shape().num_lanes, observations.data());
}

void require_states(const HostedGame& game, std::size_t rows, std::size_t columns) {
  require(rows == game.shape().num_lanes && columns == game.shape().num_state_fields,
          "states of another shape than the game's");
}

void save(const HostedGame& game, Matrix<double> states) {
  require_states(game, states.shape(0), states.shape(1));
  game.game().save(0, game.shape().num_lanes, states.data());
}

void load(HostedGame& game, Matrix<const double> states) {
  const std::size_t num_fields = states.shape(1);
  require_states(game, states.shape(0), num_fields);
  bool holds = true;
  for (std::size_t i = 0; i < states.size(); ++i) holds &= std::isfinite(states.data()[i]);
  for (std::size_t i = num_fields - 1; i < states.size(); i += num_fields) {
    holds &= states.data()[i] >= 0.0 && states.data()[i] < 0x1p31;
  }
  require(holds, "states that are not finite, or steps below 0");
  game.game().load(0, game.shape().num_lanes, states.data());
}

void action_masks(const HostedGame& game, Matrix<bool> masks) {
  require(masks.shape(0) == game.shape().num_lanes && masks.shape(1) == game.shape().num_actions,
          "masks of another shape than [lanes, actions]");
  game.game().action_masks(0, game.shape().num_lanes, masks.data());
}

void render(const HostedGame& game, std::size_t lane, Tensor<std::uint8_t> frame) {
  require_index(lane < game.shape().num_lanes, "a lane that the game has not");
  require(frame.size() == game.shape().frame_height * game.shape().frame_width * 3, "a frame of another shape");
  game.game().render(lane, frame.data());
}

std::unique_ptr<HostedGame> make_game(const std::string& name, std::size_t num_lanes, const games::Options& options,
                                      std::size_t num_threads) {
  const auto found = games::makers().find(name);
  require_index(found != games::makers().end(), "no game of that name");
  require(num_lanes > 0 && num_threads > 0, "no lanes or no threads");
  try {
    auto game = std::make_unique<HostedGame>(found->second(num_lanes, options), num_threads);
    require(num_lanes % game->shape().lanes_per_game == 0, "lanes that are no whole games");
    return game;
  } catch (const std::out_of_range&) {
    throw nb::value_error("an option is missing");
  }
}

std::vector<std::string> game_names() {
  std::vector<std::string> names;
  for (const auto& [name, maker] : games::makers()) names.push_back(name);
  return names;
}

}  // namespace

void bind_games(nb::module_& module) {
  nb::class_<HostedGame>(module, "HostedGame")
      .def("releases_lock", [](const HostedGame& game) { return game.is_long(1); })
      .def("reset", &reset, nb::arg().noconvert(), nb::arg().noconvert())
      .def("step", &step, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
           nb::arg().noconvert(), nb::arg().noconvert())
      .def("observe", &observe, nb::arg().noconvert())
      .def("save", &save, nb::arg().noconvert())
      .def("load", &load, nb::arg().noconvert())
      .def("action_masks", &action_masks, nb::arg().noconvert())
      .def("render", &render, nb::arg(), nb::arg().noconvert());
  module.def("make_game", &make_game);
  module.def("game_names", &game_names);
}

}  // namespace heronry
