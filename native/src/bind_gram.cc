#include "bindings.h"
#include "gram.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

template <typename Real>
void add_products_of_sources(nb::sequence sources, std::size_t length, std::int64_t origin, double unit,
                             Matrix<double> products) {
  const Sources<Real> inputs(sources, length);
  const std::size_t num_rows = inputs.size(), seen_from = static_cast<std::size_t>(origin);
  require(products.shape(0) == num_rows && products.shape(1) == num_rows, "products that are not those of the sources");
  require_index(seen_from < num_rows, "an origin that is none of the sources");
  LockReleased released(num_rows * length >= kLongVector);
  add_products(ShiftedRows<Real>{inputs.data(), num_rows, seen_from, static_cast<Real>(unit)}, length, products.data());
}

void add_products_of_any(nb::sequence sources, std::int64_t origin, double unit, Matrix<double> products) {
  require_index(nb::len(sources) > 0, "an origin that is none of the sources");
  Vector<const double> reals;
  Vector<const float> floats;
  const nb::object first = sources[0];
  if (nb::try_cast(first, reals, false)) {
    add_products_of_sources<double>(sources, reals.size(), origin, unit, products);
  } else if (nb::try_cast(first, floats, false)) {
    add_products_of_sources<float>(sources, floats.size(), origin, unit, products);
  } else {
    throw nb::type_error("a source that is no contiguous float32 or float64 vector");
  }
}

}  // namespace

void bind_gram(nb::module_& module) {
  module.def("add_products", &add_products_of_any, nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert());
}

}  // namespace heronry
