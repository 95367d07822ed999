#include <cmath>

#include "bindings.h"
#include "halves.h"
#include "vector_arguments.h"
#include "vector_sums.h"

namespace heronry {
namespace {

template <typename Real>
nb::tuple measure_of(Vector<const Real> values) {
  Measure result{};
  {
    LockReleased released(values.size() >= kLongVector);
    result = measure(values.data(), values.size());
  }
  return nb::make_tuple(result.largest, result.squared_norm);
}

template <typename Real>
nb::tuple copy_measured_of(Vector<const std::uint8_t> source, Vector<Real> out, double squares) {
  require(source.size() == out.size() * sizeof(Real), "a source of another length than the output");
  Measure result{};
  {
    LockReleased released(out.size() >= kLongVector);
    result = copy_measured(source.data(), out.data(), out.size(), squares, source.size() >= kPastCacheBytes);
  }
  return nb::make_tuple(result.largest, result.squared_norm);
}

template <typename Real>
void weighted_sum_of(nb::sequence sources, Vector<const double> weights, Vector<Real> out, bool onto) {
  const Sources<Real> inputs(sources, out.size());
  require_lengths(inputs.size(), weights);
  const std::vector<Real> factors(weights.data(), weights.data() + weights.size());
  LockReleased released(out.size() >= kLongVector);
  weighted_sum(inputs.data(), factors.data(), inputs.size(), out.data(), out.size(), onto);
}

template <typename Real>
double apply_difference_of(Vector<const Real> newest, Vector<const Real> total, double keep, double scale,
                           Vector<Real> out) {
  require_lengths(out.size(), newest, total);
  LockReleased released(out.size() >= kLongVector);
  return apply_difference(newest.data(), total.data(), static_cast<Real>(keep), static_cast<Real>(scale), out.data(),
                          out.size());
}

template <typename Real>
[[gnu::noinline]] double apply_in_halves(const Real* newest, const Sources<Real>& sources, const Real* weights, Real keep, Real scale,
                       Real* out, std::size_t count) {
  double largest[2] = {};
  in_halves(count, [&](std::size_t begin, std::size_t end) {
    largest[begin != 0] =
        apply_sum(newest, sources.data(), weights, sources.size(), keep, scale, out, begin, end);
  });
  return std::isnan(largest[0]) || largest[0] > largest[1] ? largest[0] : largest[1];
}

template <typename Real>
double apply_sum_of(Vector<const Real> newest, nb::sequence sources, Vector<const double> weights, double keep,
                    double scale, Vector<Real> out) {
  require_lengths(out.size(), newest);
  const Sources<Real> inputs(sources, out.size());
  require_lengths(inputs.size(), weights);
  const std::vector<Real> factors(weights.data(), weights.data() + weights.size());
  require(!factors.empty(), "a sum of no sources");
  double largest = 0;
  {
    LockReleased released(out.size() >= kLongVector);
    largest = apply_in_halves(newest.data(), inputs, factors.data(), static_cast<Real>(keep),
                              static_cast<Real>(scale), out.data(), out.size());
  }
  return largest;
}

template <typename Real>
void bind(nb::module_& module) {
  module.def("measure", &measure_of<Real>, nb::arg().noconvert());
  module.def("copy_measured", &copy_measured_of<Real>, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg());
  module.def("weighted_sum", &weighted_sum_of<Real>, nb::arg(), nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg());
  module.def("apply_difference", &apply_difference_of<Real>, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(),
             nb::arg(), nb::arg().noconvert());
  module.def("apply_sum", &apply_sum_of<Real>, nb::arg().noconvert(), nb::arg(), nb::arg().noconvert(), nb::arg(),
             nb::arg(), nb::arg().noconvert());
}

}  // namespace

void bind_vector_sums(nb::module_& module) {
  bind<float>(module);
  bind<double>(module);
}

}  // namespace heronry
