// The Python face of the native core: shapes are checked by the Python layer, the GIL is released.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include "return_scan.h"

namespace nb = nanobind;

namespace {

template <typename Real>
using Matrix = nb::ndarray<Real, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

template <typename Real>
void bind_return_scan(nb::module_& module) {
  module.def(
      "return_scan",
      [](Matrix<const Real> deltas, Matrix<const Real> coefficients, Matrix<Real> out) {
        nb::gil_scoped_release release;
        heronry::return_scan(deltas.data(), coefficients.data(), out.data(), deltas.shape(0),
                             deltas.shape(1));
      },
      nb::arg("deltas").noconvert(), nb::arg("coefficients").noconvert(), nb::arg("out").noconvert());
}

}  // namespace

NB_MODULE(_extension, module) {
  module.doc() = "Native loops of heronry; use them through heronry.native.";
  bind_return_scan<float>(module);
  bind_return_scan<double>(module);
}
