// Refuses a batch that does not fit the network, by column, before anything is computed from it.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "architecture.h"
#include "learner.h"

namespace heronry {

inline std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

inline void require_shape(const std::string& field, const at::Tensor& tensor, const Shape& shape) {
  if (tensor.sizes() != at::IntArrayRef(shape)) {
    throw SchemaRefusal(field + ".shape", tensor.sizes().vec(), text_of(shape));
  }
}

inline void require_type(const std::string& field, const at::Tensor& tensor, bool holds, const std::string& allowed) {
  if (!holds) throw SchemaRefusal(field + ".dtype", std::string(c10::toString(tensor.scalar_type())), allowed);
}

// Observations of `num_leading` leading axes, and of the network's size behind them.
inline void require_observations(const std::string& field, const at::Tensor& tensor, std::int64_t num_leading,
                                 std::int64_t size) {
  const bool is_deep = tensor.dim() > num_leading;
  if (is_deep && c10::multiply_integers(tensor.sizes().slice(num_leading)) == size) return;
  const std::string leading = num_leading == 1 ? "[N, ...]" : "[T, B, ...]";
  throw SchemaRefusal(field + ".shape", tensor.sizes().vec(), leading + " of size " + std::to_string(size) + " each");
}

// Actions of `leading` axes: indices of choices, or vectors of reals.
inline void require_actions(const std::string& field, const at::Tensor& actions, const Architecture& architecture,
                            Shape leading) {
  const std::vector<std::int64_t>& choices = architecture.num_choices;
  if (choices.empty()) {
    require_type(field, actions, actions.is_floating_point(), "a float type");
    const std::int64_t size = architecture.num_outputs("policy");
    const auto num_leading = static_cast<std::int64_t>(leading.size());
    return require_observations(field, actions, num_leading, size);
  }
  require_type(field, actions, at::isIntegralType(actions.scalar_type(), false), "an integer type");
  if (choices.size() > 1) leading.push_back(static_cast<std::int64_t>(choices.size()));
  require_shape(field, actions, leading);
  if (actions.numel() == 0) return;
  const at::Tensor columns = actions.reshape({-1, static_cast<std::int64_t>(choices.size())});
  for (std::size_t c = 0; c < choices.size(); ++c) {
    const auto [least, most] = at::aminmax(columns.select(1, static_cast<std::int64_t>(c)));
    for (const std::int64_t found : {least.item<std::int64_t>(), most.item<std::int64_t>()}) {
      if (found < 0 || found >= choices[c]) throw Refusal(field, found, "0 to " + std::to_string(choices[c] - 1));
    }
  }
}

// Rows [T * B, A] of a column of masks [T, B, A]; undefined where there is no such column. What a row of no
// experience allows does not matter.
inline at::Tensor mask_rows(const Batch& batch, const std::string& name, const Architecture& architecture) {
  const auto found = batch.columns.find(name);
  if (found == batch.columns.end() || architecture.num_choices.empty()) return {};
  Shape shape = batch.column("reward").sizes().vec();
  shape.push_back(architecture.num_outputs(architecture.acting_head()));
  require_shape("batch." + name, found->second, shape);
  require_type("batch." + name, found->second, found->second.scalar_type() == at::kBool, "bool");
  return found->second.reshape({shape[0] * shape[1], shape[2]});
}

// A mask [N, A] that leaves each component of each action something to choose.
inline void require_action_mask(const std::string& field, const at::Tensor& mask, const Architecture& architecture,
                                std::int64_t rows) {
  if (architecture.num_choices.empty()) throw Refusal(field, std::string("a mask"), "none: actions are reals");
  require_shape(field, mask, {rows, architecture.num_outputs(architecture.acting_head())});
  require_type(field, mask, mask.scalar_type() == at::kBool, "bool");
  for (const at::Tensor& part : mask.split_with_sizes(architecture.num_choices, 1)) {
    const at::Tensor stuck = part.any(1).logical_not().nonzero();
    if (stuck.size(0) == 0) continue;
    const std::string row = std::to_string(stuck[0].item<std::int64_t>());
    throw Refusal(field, "nothing in row " + row, "at least one choice a row");
  }
}

// Columns of unrolls or windows [T, B], B >= 1, all of one T and B.
inline void require_columns(const Batch& batch, const std::vector<std::string>& names,
                            const Architecture& architecture) {
  std::vector<std::string> missing, have;
  for (const auto& [name, column] : batch.columns) have.push_back(name);
  for (const std::string& name : names) {
    if (!batch.columns.contains(name)) missing.push_back(name);
  }
  if (!missing.empty()) throw SchemaRefusal("batch.columns", joined(have), "also " + joined(missing));
  const at::Tensor& rewards = batch.column("reward");
  if (rewards.dim() != 2 || rewards.numel() == 0) {
    throw SchemaRefusal("batch.reward.shape", rewards.sizes().vec(), "(T, B), at least one row");
  }
  const Shape shape = rewards.sizes().vec();
  for (const char* name : {"reward", "log_probability"}) {
    if (!batch.columns.contains(name)) continue;
    const at::Tensor& column = batch.column(name);
    require_shape(std::string("batch.") + name, column, shape);
    require_type(std::string("batch.") + name, column, column.is_floating_point(), "a float type");
  }
  for (const char* name : {"terminated", "truncated", "mask"}) {
    const at::Tensor& column = batch.column(name);
    require_shape(std::string("batch.") + name, column, shape);
    require_type(std::string("batch.") + name, column, column.scalar_type() == at::kBool, "bool");
  }
  for (const char* name : {"observation", "next_observation"}) {
    const at::Tensor& column = batch.column(name);
    require_observations(std::string("batch.") + name, column, 2, architecture.observation_size());
    if (column.sizes().slice(0, 2) != rewards.sizes()) {
      throw SchemaRefusal(std::string("batch.") + name + ".shape", column.sizes().vec(),
                          std::to_string(shape[0]) + ", " + std::to_string(shape[1]) + ", and one observation");
    }
  }
  require_actions("batch.action", batch.column("action"), architecture, shape);
}

}  // namespace heronry
