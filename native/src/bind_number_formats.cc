#include "bindings.h"
#include "number_formats.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

template <void (*loop)(const float*, std::uint16_t*, std::size_t)>
void pack(Vector<const float> values, Vector<std::uint16_t> out) {
  require_lengths(values.size(), out);
  LockReleased released(values.size() >= kLongVector);
  loop(values.data(), out.data(), values.size());
}

template <void (*loop)(const std::uint16_t*, float*, std::size_t)>
void unpack(Vector<const std::uint16_t> bits, Vector<float> out) {
  require_lengths(out.size(), bits);
  LockReleased released(out.size() >= kLongVector);
  loop(bits.data(), out.data(), out.size());
}

}  // namespace

void bind_number_formats(nb::module_& module) {
  module.def("bf16_pack", &pack<bf16_pack>, nb::arg().noconvert(), nb::arg().noconvert());
  module.def("bf16_unpack", &unpack<bf16_unpack>, nb::arg().noconvert(), nb::arg().noconvert());
  module.def("f16_pack", &pack<f16_pack>, nb::arg().noconvert(), nb::arg().noconvert());
  module.def("f16_unpack", &unpack<f16_unpack>, nb::arg().noconvert(), nb::arg().noconvert());
}

}  // namespace heronry
