#include "bindings.h"
#include "optimizer_steps.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

template <typename Real>
using In = Vector<const Real>;

template <typename Real>
double sgd_step_of(In<Real> newest, In<Real> difference, In<Real> velocity, double rate, double momentum,
                   bool nesterov, Vector<Real> out, Vector<Real> velocity_out) {
  require_lengths(out.size(), newest, difference, velocity, velocity_out);
  const SgdStep<Real> step{newest.data(),
                           difference.data(),
                           velocity.data(),
                           static_cast<Real>(rate),
                           static_cast<Real>(momentum),
                           out.data(),
                           velocity_out.data()};
  LockReleased released(out.size() >= kLongVector);
  return sgd_step(step, nesterov, out.size());
}

template <typename Real>
double adam_step_of(In<Real> newest, In<Real> difference, In<Real> moment1, In<Real> moment2, double corrected_rate,
                    double beta1, double beta2, double root_correction, double epsilon, bool is_yogi,
                    Vector<Real> out, Vector<Real> moment1_out, Vector<Real> moment2_out) {
  require_lengths(out.size(), newest, difference, moment1, moment2, moment1_out, moment2_out);
  const AdamStep<Real> step{newest.data(),
                            difference.data(),
                            moment1.data(),
                            moment2.data(),
                            static_cast<Real>(corrected_rate),
                            static_cast<Real>(beta1),
                            static_cast<Real>(1.0 - beta1),
                            static_cast<Real>(beta2),
                            static_cast<Real>(1.0 - beta2),
                            static_cast<Real>(root_correction),
                            static_cast<Real>(epsilon),
                            out.data(),
                            moment1_out.data(),
                            moment2_out.data()};
  LockReleased released(out.size() >= kLongVector);
  return adam_step(step, is_yogi, out.size());
}

template <typename Real>
double adagrad_step_of(In<Real> newest, In<Real> difference, In<Real> sums, double rate, double epsilon,
                       Vector<Real> out, Vector<Real> sums_out) {
  require_lengths(out.size(), newest, difference, sums, sums_out);
  LockReleased released(out.size() >= kLongVector);
  return adagrad_step(newest.data(), difference.data(), sums.data(), static_cast<Real>(rate),
                      static_cast<Real>(epsilon), out.data(), sums_out.data(), out.size());
}

template <typename Real>
void bind(nb::module_& module) {
  module.def("sgd_step", &sgd_step_of<Real>, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg(), nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg().noconvert());
  module.def("adam_step", &adam_step_of<Real>, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg().noconvert(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(),
             nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert());
  module.def("adagrad_step", &adagrad_step_of<Real>, nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg().noconvert(), nb::arg(), nb::arg(), nb::arg().noconvert(), nb::arg().noconvert());
}

}  // namespace

void bind_optimizer_steps(nb::module_& module) {
  bind<float>(module);
  bind<double>(module);
}

}  // namespace heronry
