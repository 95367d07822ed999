#include "arguments.h"
#include "bindings.h"
#include "bounded.h"

namespace heronry {
namespace {

template <typename Real, typename Bounded>
void bind(nb::module_& module) {
  module.def(
      "bound_rows",
      [](Matrix<const Real> rows, Vector<const double> low, Vector<const double> high, Matrix<Bounded> out) {
        const std::size_t num_rows = rows.shape(0), width = rows.shape(1);
        require(low.shape(0) == width && high.shape(0) == width, "bounds that are not those of a row");
        require(out.shape(0) == num_rows && out.shape(1) == width, "a result that is not like the rows");
        return bound_rows(rows.data(), num_rows, width, low.data(), high.data(), out.data());
      },
      nb::arg("rows").noconvert(), nb::arg("low").noconvert(), nb::arg("high").noconvert(),
      nb::arg("out").noconvert());
}

}  // namespace

void bind_bounded(nb::module_& module) {
  bind<float, float>(module);
  bind<float, double>(module);
  bind<double, float>(module);
  bind<double, double>(module);
}

}  // namespace heronry
