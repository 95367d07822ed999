#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <map>
#include <string>
#include <tuple>

#include "arguments.h"
#include "bindings.h"
#include "collect.h"
#include "hosted_network.h"

namespace heronry {
namespace {

using games::HostedGame;
using Untyped = nb::ndarray<nb::c_contig, nb::device::cpu>;
using Arrays = std::map<std::string, Untyped>;

// Null where there is no such array; it has one element for each of `count`, or it is refused.
template <typename Scalar>
Scalar* find(const Arrays& arrays, const char* name, std::size_t count) {
  const auto found = arrays.find(name);
  if (found == arrays.end()) return nullptr;
  const std::string refused = std::string(name) + " of another ";
  if (found->second.dtype() != nb::dtype<Scalar>()) throw nb::type_error((refused + "type").c_str());
  require(found->second.size() == count, (refused + "shape").c_str());
  return static_cast<Scalar*>(found->second.data());
}

template <typename Scalar>
Scalar* at(const Arrays& arrays, const char* name, std::size_t count) {
  Scalar* found = find<Scalar>(arrays, name, count);
  require(found != nullptr, (std::string("no ") + name).c_str());
  return found;
}

char* observations_at(const Arrays& arrays, const char* name, const games::Shape& shape, std::size_t num_rows) {
  const std::size_t count = num_rows * shape.num_observation;
  if (shape.observes_bytes) return reinterpret_cast<char*>(at<std::uint8_t>(arrays, name, count));
  return reinterpret_cast<char*>(at<float>(arrays, name, count));
}

Randoms randoms_of(const Arrays& arrays, const games::Shape& shape, std::size_t num_rows, std::size_t num_outputs) {
  Randoms randoms;
  if (!shape.num_actions) {
    randoms.deviation = at<float>(arrays, "deviation", num_rows * num_outputs);
    return randoms;
  }
  randoms.gumbel = find<float>(arrays, "gumbel", num_rows * num_outputs);
  randoms.explores = find<bool>(arrays, "explores", num_rows);
  if (randoms.explores) randoms.action = at<std::int64_t>(arrays, "action", num_rows);
  for (std::size_t row = 0; randoms.action && row < num_rows; ++row) {
    require_index(randoms.action[row] >= 0, "a negative choice");
    require_index(shape.is_masked || randoms.action[row] < static_cast<std::int64_t>(shape.num_actions),
                  "a choice that the game has not");
  }
  return randoms;
}

std::tuple<std::int64_t, double, double> collect(HostedGame& game, const HostedNetwork& network, const Arrays& columns,
                                                 const Arrays& randoms, std::size_t num_steps) {
  const games::Shape& shape = game.shape();
  const std::size_t num_rows = num_steps * shape.num_lanes, num_outputs = network.network.num_outputs();
  require(network.network.num_inputs() == shape.num_observation, "a network for other observations");
  require(num_outputs == (shape.num_actions ? shape.num_actions : shape.num_action_values),
          "a network for other actions");
  require(num_steps > 0, "no steps");
  const UnrollColumns rows{
      observations_at(columns, "observation", shape, num_rows),
      at<float>(columns, "outputs", num_rows * num_outputs),
      shape.num_actions ? static_cast<void*>(at<std::int64_t>(columns, "action", num_rows))
                        : at<float>(columns, "action", num_rows * num_outputs),
      at<float>(columns, "reward", num_rows),
      at<bool>(columns, "terminated", num_rows),
      at<bool>(columns, "truncated", num_rows),
      observations_at(columns, "next_observation", shape, num_rows),
      shape.is_masked ? at<bool>(columns, "action_mask", num_rows * num_outputs) : nullptr,
  };
  const bool is_real = !shape.num_actions;
  Collector collector(game, network.network, randoms_of(randoms, shape, num_rows, num_outputs), rows,
                      observations_at(columns, "shown", shape, shape.num_lanes),
                      is_real ? at<float>(columns, "low", num_outputs) : nullptr,
                      is_real ? at<float>(columns, "high", num_outputs) : nullptr, num_steps);
  Seconds seconds;
  LockReleased released(collector.nanoseconds() >= HostedGame::kWorthwhileNs);
  const std::int64_t faulty_lane = collector.run(seconds);
  return {faulty_lane, seconds.environment, seconds.inference};
}

}  // namespace

void bind_collect(nb::module_& module) {
  module.def("collect", &collect, nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg().noconvert(), nb::arg());
}

}  // namespace heronry
