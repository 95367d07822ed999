#include "bindings.h"
#include "int8_blocks.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

void pack(Vector<const float> values, std::uint64_t seed, Vector<float> scales, Vector<std::int8_t> codes) {
  require_lengths(values.size(), codes);
  require_lengths(num_int8_blocks(values.size()), scales);
  LockReleased released(values.size() >= kLongVector);
  int8_pack(values.data(), seed, scales.data(), codes.data(), values.size());
}

void unpack(Vector<const float> scales, Vector<const std::int8_t> codes, Vector<float> out) {
  require_lengths(out.size(), codes);
  require_lengths(num_int8_blocks(out.size()), scales);
  LockReleased released(out.size() >= kLongVector);
  int8_unpack(scales.data(), codes.data(), out.data(), out.size());
}

}  // namespace

void bind_int8_blocks(nb::module_& module) {
  module.def("int8_pack", &pack, nb::arg().noconvert(), nb::arg(), nb::arg().noconvert(), nb::arg().noconvert());
  module.def("int8_unpack", &unpack, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert());
}

}  // namespace heronry
