// The Python module of the agent; use it through heronry.native_agent, which gives its refusals their names.
#include <ATen/Parallel.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <torch/version.h>

#include "numpy_arrays.h"
#include "rl_agent.h"

namespace heronry {
namespace {

py::object python_value(const Value& value) {
  if (const auto* shape = std::get_if<Shape>(&value)) return py::tuple(py::cast(*shape));
  return std::visit([](const auto& one) -> py::object { return py::cast(one); }, value);
}

void raise(const py::handle& type, const Refusal& refusal) {
  const py::tuple arguments = py::make_tuple(refusal.field, python_value(refusal.value), refusal.allowed);
  PyErr_SetObject(type.ptr(), arguments.ptr());
}

// Reads settings by name, as pydantic dumps them.
class SettingsReader {
 public:
  explicit SettingsReader(const py::dict& values) : values_(values) {}

  template <typename T>
  void read(const char* name, T& out) const {
    if (!values_.contains(name)) throw Refusal("settings", std::string(py::str(values_)), std::string("also ") + name);
    out = values_[name].cast<T>();
  }

 private:
  const py::dict& values_;
};

PpoSettings ppo_settings(const SettingsReader& from) {
  PpoSettings to;
  from.read("minibatch_size", to.minibatch_size);
  from.read("epochs", to.epochs);
  from.read("discount", to.discount);
  from.read("gae_lambda", to.gae_lambda);
  from.read("learning_rate", to.learning_rate);
  from.read("clip", to.clip);
  from.read("anneal_learning_rate", to.anneal_learning_rate);
  from.read("anneal_clip", to.anneal_clip);
  from.read("entropy_coefficient", to.entropy_coefficient);
  from.read("value_coefficient", to.value_coefficient);
  from.read("max_gradient_norm", to.max_gradient_norm);
  from.read("adam_epsilon", to.adam_epsilon);
  from.read("normalize_advantages", to.normalize_advantages);
  from.read("target_kl", to.target_kl);
  from.read("max_env_steps", to.max_env_steps);
  return to;
}

DqnSettings dqn_settings(const SettingsReader& from) {
  DqnSettings to;
  from.read("batch_size", to.batch_size);
  from.read("discount", to.discount);
  from.read("learning_rate", to.learning_rate);
  from.read("adam_epsilon", to.adam_epsilon);
  from.read("max_gradient_norm", to.max_gradient_norm);
  from.read("double", to.double_q);
  from.read("target_update_period", to.target_update_period);
  from.read("min_replay_size", to.min_replay_size);
  from.read("samples_per_insert", to.samples_per_insert);
  from.read("importance_exponent_initial", to.importance_exponent_initial);
  from.read("importance_exponent_final", to.importance_exponent_final);
  from.read("anneal_learning_rate", to.anneal_learning_rate);
  from.read("max_env_steps", to.max_env_steps);
  return to;
}

Settings settings_of(const std::string& name, const py::dict& values) {
  const SettingsReader reader(values);
  if (name.empty()) return std::monostate{};
  if (name == "ppo") return ppo_settings(reader);
  if (name == "dqn") return dqn_settings(reader);
  throw Refusal("settings.name", name, "ppo, dqn");
}

using Number = std::int64_t;

std::unique_ptr<RlAgent> make_agent(const Shape& observation_shape, Number observation_high,
                                    const std::vector<std::tuple<Number, Number, Number>>& convolutions,
                                    const std::vector<Number>& hidden, const std::string& activation,
                                    const std::vector<std::pair<std::string, Number>>& heads, bool has_log_std,
                                    const std::vector<Number>& num_choices, const std::string& algorithm,
                                    const py::dict& settings, std::uint64_t seed) {
  Architecture architecture{observation_shape, observation_high, {}, hidden, activation, {}, has_log_std, num_choices};
  for (const auto& [name, outputs] : heads) architecture.heads.push_back({name, outputs});
  for (const auto& [channels, kernel, stride] : convolutions) {
    architecture.convolutions.push_back({channels, kernel, stride});
  }
  return std::make_unique<RlAgent>(architecture, settings_of(algorithm, settings), seed);
}

Tensors borrow_all(BorrowedArrays& borrowed, const std::string& prefix, const py::dict& arrays) {
  Tensors tensors;
  for (const auto& [key, value] : arrays) {
    const std::string name = py::str(key);
    tensors[name] = borrowed.tensor(prefix + name, value);
  }
  return tensors;
}

at::Tensor borrow_optional(BorrowedArrays& borrowed, const std::string& field, const py::object& value) {
  return value.is_none() ? at::Tensor() : borrowed.tensor(field, value);
}

// Calls without the interpreter's lock: another Python thread runs meanwhile.
template <typename Call>
auto unlocked(const Call& call) {
  const py::gil_scoped_release released;
  return call();
}

py::dict parameters(const RlAgent& agent) {
  py::dict arrays;
  const Tensors tensors = unlocked([&] { return agent.parameters(); });
  for (const auto& [name, tensor] : tensors) arrays[name.c_str()] = array_of(tensor);
  return arrays;
}

void set_parameters(RlAgent& agent, const py::dict& arrays) {
  BorrowedArrays borrowed;
  const Tensors tensors = borrow_all(borrowed, "tensors.", arrays);
  unlocked([&] { agent.set_parameters(tensors); });
}

py::object forward(const RlAgent& agent, const std::string& head, const py::object& observations) {
  BorrowedArrays borrowed;
  const at::Tensor inputs = borrowed.tensor("observations", observations);
  return array_of(unlocked([&] { return agent.forward(head, inputs); }));
}

py::object select_action(RlAgent& agent, const py::object& observations, const py::object& action_mask, bool greedy,
                         double epsilon) {
  BorrowedArrays borrowed;
  const at::Tensor inputs = borrowed.tensor("observations", observations);
  const at::Tensor mask = borrow_optional(borrowed, "action_mask", action_mask);
  return array_of(unlocked([&] { return agent.select_action(inputs, mask, greedy, epsilon); }));
}

py::object log_probabilities(const RlAgent& agent, const py::object& observations, const py::object& actions,
                             const py::object& action_mask) {
  BorrowedArrays borrowed;
  const at::Tensor inputs = borrowed.tensor("observations", observations);
  const at::Tensor taken = borrowed.tensor("actions", actions);
  const at::Tensor mask = borrow_optional(borrowed, "action_mask", action_mask);
  return array_of(unlocked([&] { return agent.log_probabilities(inputs, taken, mask); }));
}

py::tuple update(RlAgent& agent, const py::dict& columns, std::int64_t table_size) {
  BorrowedArrays borrowed;
  const Batch batch{borrow_all(borrowed, "batch.", columns), table_size};
  const UpdateResult result = unlocked([&] { return agent.update(batch); });
  py::dict figures;
  for (const auto& [name, value] : result.figures) figures[name.c_str()] = value;
  return py::make_tuple(figures, result.num_gradient_steps, result.num_steps, array_of(result.priorities));
}

}  // namespace
}  // namespace heronry

PYBIND11_MODULE(_heronry_agent, module) {
  using heronry::RlAgent;
  namespace py = pybind11;
  module.doc() = "The agent on libtorch; use it through heronry.native_agent.";
  module.attr("TORCH_VERSION") = HERONRY_TORCH_VERSION;
  module.attr("SOURCES_HASH") = HERONRY_SOURCES_HASH;
  module.def("set_num_threads", &at::set_num_threads);
  static py::handle refusal = py::exception<heronry::Refusal>(module, "Refusal").release();
  static py::handle schema_refusal = py::exception<heronry::SchemaRefusal>(module, "SchemaRefusal", refusal).release();
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const heronry::SchemaRefusal& error) {
      heronry::raise(schema_refusal, error);
    } catch (const heronry::Refusal& error) {
      heronry::raise(refusal, error);
    }
  });
  py::class_<RlAgent>(module, "RlAgent", py::module_local())
      .def(py::init(&heronry::make_agent))
      .def("parameters", &heronry::parameters)
      .def("set_parameters", &heronry::set_parameters)
      .def("forward", &heronry::forward)
      .def("select_action", &heronry::select_action)
      .def("log_probabilities", &heronry::log_probabilities)
      .def("update", &heronry::update);
}
