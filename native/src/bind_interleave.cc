#include "arguments.h"
#include "bindings.h"
#include "interleave.h"

namespace heronry {
namespace {

constexpr std::size_t kLongBytes = 1 << 20;

using Pictures = nb::ndarray<const std::uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;
using Interleaved = nb::ndarray<std::uint8_t, nb::ndim<3>, nb::c_contig, nb::device::cpu>;

void interleave_into(Pictures planes, Interleaved out) {
  const std::size_t num_planes = planes.shape(1), size = planes.shape(2);
  const bool fits = out.shape(0) == planes.shape(0) && out.shape(1) == size && out.shape(2) == num_planes;
  require(fits, "a result that is not [N, P, C]");
  LockReleased released(planes.size() >= kLongBytes);
  interleave(planes.data(), planes.shape(0), num_planes, size, out.data());
}

}  // namespace

void bind_interleave(nb::module_& module) {
  module.def("interleave", &interleave_into, nb::arg("planes").noconvert(), nb::arg("out").noconvert());
}

}  // namespace heronry
