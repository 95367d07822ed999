#include "arguments.h"
#include "bindings.h"
#include "dense.h"

namespace heronry {
namespace {

DenseSet set_of(const Vector<std::uint32_t>& dense, const Vector<std::uint32_t>& position, std::size_t size,
                const Vector<const std::int64_t>& slots) {
  require_index(size <= dense.shape(0), "a set larger than its room");
  require_all_below(slots.data(), slots.shape(0), position.shape(0), "a slot outside those there are");
  return {dense.data(), position.data(), size};
}

std::size_t insert(Vector<std::uint32_t> dense, Vector<std::uint32_t> position, std::size_t size,
                   Vector<const std::int64_t> slots) {
  DenseSet set = set_of(dense, position, size, slots);
  require_index(slots.shape(0) <= dense.shape(0) - size, "no room for that many slots");
  set.insert(slots.data(), slots.shape(0));
  return set.size;
}

std::size_t remove(Vector<std::uint32_t> dense, Vector<std::uint32_t> position, std::size_t size,
                   Vector<const std::int64_t> slots) {
  DenseSet set = set_of(dense, position, size, slots);
  bool holds = slots.shape(0) <= size;
  for (std::size_t i = 0; i < slots.shape(0); ++i) holds = holds && set.holds(slots.data()[i]);
  require_index(holds, "a slot that is not in the set");
  set.remove(slots.data(), slots.shape(0));
  return set.size;
}

}  // namespace

void bind_dense(nb::module_& module) {
  module.def("dense_insert", &insert, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(), nb::arg().noconvert());
  module.def("dense_delete", &remove, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(), nb::arg().noconvert());
}

}  // namespace heronry
