#include "arguments.h"
#include "bindings.h"
#include "sum_tree.h"

namespace heronry {
namespace {

constexpr std::size_t kLong = 4096;

// Offsets that don't fit would make the loops leave the array.
SumTree tree_of(const Vector<double>& nodes, const Vector<const std::int64_t>& offsets) {
  const std::size_t num_levels = offsets.shape(0) - 1;
  const std::int64_t* at = offsets.data();
  bool fits = offsets.shape(0) >= 3 && at[0] == 0 && at[num_levels] - at[num_levels - 1] == 1 &&
              static_cast<std::size_t>(at[num_levels]) <= nodes.shape(0);
  for (std::size_t level = 1; fits && level < num_levels; ++level) {
    const std::int64_t below = at[level] - at[level - 1];
    fits = below > 0 && below % SumTree::kRadix == 0 && at[level + 1] - at[level] >= below / SumTree::kRadix;
  }
  require(fits, "offsets that are no tree's, or nodes that are too few");
  return {nodes.data(), at, num_levels};
}

void set(Vector<double> nodes, Vector<const std::int64_t> offsets, Vector<const std::int64_t> slots,
         Vector<const double> weights) {
  SumTree tree = tree_of(nodes, offsets);
  require(slots.shape(0) == weights.shape(0), "not as many weights as slots");
  require_all_below(slots.data(), slots.shape(0), static_cast<std::size_t>(offsets.data()[1]),
                    "a slot outside the tree's leaves");
  LockReleased released(slots.shape(0) >= kLong);
  tree.set(slots.data(), weights.data(), slots.shape(0));
}

void rebuild(Vector<double> nodes, Vector<const std::int64_t> offsets) {
  SumTree tree = tree_of(nodes, offsets);
  LockReleased released(nodes.shape(0) >= kLong);
  tree.rebuild();
}

void sample(Vector<double> nodes, Vector<const std::int64_t> offsets, Vector<const double> targets,
            Vector<std::int64_t> out) {
  const SumTree tree = tree_of(nodes, offsets);
  require(out.shape(0) == targets.shape(0), "not as many results as targets");
  LockReleased released(targets.shape(0) >= kLong);
  tree.sample(targets.data(), targets.shape(0), out.data());
}

}  // namespace

void bind_sum_tree(nb::module_& module) {
  module.def("sum_tree_set", &set, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg().noconvert());
  module.def("sum_tree_rebuild", &rebuild, nb::arg().noconvert(), nb::arg().noconvert());
  module.def("sum_tree_sample", &sample, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg().noconvert());
}

}  // namespace heronry
