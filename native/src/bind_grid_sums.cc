#include "bindings.h"
#include "grid_sums.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

template <typename Real>
void grid_add_of(Vector<std::int64_t> total, Vector<const Real> values, double weight, double step) {
  require_lengths(total.size(), values);
  LockReleased released(total.size() >= kLongVector);
  const Real* source = values.data();
  grid_add(total.data(), &source, &weight, 1, step, total.size());
}

template <typename Real>
void grid_add_all_of(Vector<std::int64_t> total, nb::sequence sources, Vector<const double> weights, double step) {
  const Sources<Real> read(sources, total.size());
  require_lengths(read.size(), weights);
  LockReleased released(total.size() >= kLongVector);
  grid_add(total.data(), read.data(), weights.data(), read.size(), step, total.size());
}

void grid_add_all(Vector<std::int64_t> total, nb::sequence sources, Vector<const double> weights, double step) {
  const std::size_t num_sources = nb::len(sources);
  Vector<const double> first;
  if (num_sources > 0 && nb::try_cast(nb::object(sources[0]), first, false)) {
    grid_add_all_of<double>(total, sources, weights, step);
  } else {
    grid_add_all_of<float>(total, sources, weights, step);
  }
}

template <typename Real>
void grid_mean_of(Vector<const std::int64_t> total, double step, double denominator, Vector<Real> out) {
  require_lengths(out.size(), total);
  LockReleased released(out.size() >= kLongVector);
  grid_mean(total.data(), step, denominator, out.data(), out.size());
}

template <typename Real>
void bind(nb::module_& module) {
  module.def("grid_add", &grid_add_of<Real>, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(), nb::arg());
  module.def("grid_mean", &grid_mean_of<Real>, nb::arg().noconvert(), nb::arg(), nb::arg(), nb::arg().noconvert());
}

}  // namespace

void bind_grid_sums(nb::module_& module) {
  bind<float>(module);
  bind<double>(module);
  module.def("grid_add_all", &grid_add_all, nb::arg().noconvert(), nb::arg(), nb::arg().noconvert(), nb::arg());
}

}  // namespace heronry
