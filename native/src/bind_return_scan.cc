#include "arguments.h"
#include "bindings.h"
#include "return_scan.h"

namespace heronry {
namespace {

template <typename Real>
void bind(nb::module_& module) {
  module.def(
      "return_scan",
      [](Matrix<const Real> deltas, Matrix<const Real> coefficients, Matrix<Real> out) {
        LockReleased released(true);
        return_scan(deltas.data(), coefficients.data(), out.data(), deltas.shape(0), deltas.shape(1));
      },
      nb::arg("deltas").noconvert(), nb::arg("coefficients").noconvert(), nb::arg("out").noconvert());
}

}  // namespace

void bind_return_scan(nb::module_& module) {
  bind<float>(module);
  bind<double>(module);
}

}  // namespace heronry
