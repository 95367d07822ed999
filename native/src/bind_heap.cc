#include "arguments.h"
#include "bindings.h"
#include "heap.h"

namespace heronry {
namespace {

using Places = Vector<std::uint32_t>;

std::size_t room_of(const Places& position, std::size_t num_priorities, std::size_t num_orders) {
  return std::min({position.shape(0), num_priorities, num_orders});
}

void check(const Places& heap, const Places& position, std::size_t num_priorities, std::size_t num_orders,
           std::size_t size, const Vector<const std::int64_t>& slots) {
  require_index(size <= heap.shape(0), "a heap larger than its room");
  require_all_below(slots.data(), slots.shape(0), room_of(position, num_priorities, num_orders),
                    "a slot outside those there are");
}

std::size_t insert(Places heap, Places position, Vector<const double> priorities,
                   Vector<const std::uint64_t> orders, std::size_t size, Vector<const std::int64_t> slots) {
  check(heap, position, priorities.shape(0), orders.shape(0), size, slots);
  require_index(slots.shape(0) <= heap.shape(0) - size, "no room for that many slots");
  Heap held(heap.data(), position.data(), priorities.data(), orders.data(), size);
  for (std::size_t i = 0; i < slots.shape(0); ++i) {
    const auto slot = static_cast<std::uint32_t>(slots.data()[i]);
    require(position.data()[slot] == 0, "a slot that is in the heap already");
    held.insert(slot);
  }
  return held.size();
}

void update(Places heap, Places position, Vector<double> priorities, Vector<std::uint64_t> orders, std::size_t size,
            Vector<const std::int64_t> slots, Vector<const double> values, std::uint64_t first_order) {
  check(heap, position, priorities.shape(0), orders.shape(0), size, slots);
  require(slots.shape(0) == values.shape(0), "not as many priorities as slots");
  Heap held(heap.data(), position.data(), priorities.data(), orders.data(), size);
  for (std::size_t i = 0; i < slots.shape(0); ++i) {
    const auto slot = static_cast<std::uint32_t>(slots.data()[i]);
    require(held.holds(slot), "a slot that is not in the heap");
    priorities.data()[slot] = values.data()[i];
    orders.data()[slot] = first_order + i;
    held.settle(slot);
  }
}

std::size_t remove(Places heap, Places position, Vector<const double> priorities,
                   Vector<const std::uint64_t> orders, std::size_t size, Vector<const std::int64_t> slots) {
  check(heap, position, priorities.shape(0), orders.shape(0), size, slots);
  Heap held(heap.data(), position.data(), priorities.data(), orders.data(), size);
  for (std::size_t i = 0; i < slots.shape(0); ++i) {
    const auto slot = static_cast<std::uint32_t>(slots.data()[i]);
    require(held.holds(slot), "a slot that is not in the heap");
    held.remove(slot);
  }
  return held.size();
}

bool is_valid(Places heap, Places position, Vector<const double> priorities, Vector<const std::uint64_t> orders,
              std::size_t size) {
  const std::size_t num_slots = room_of(position, priorities.shape(0), orders.shape(0));
  return size <= heap.shape(0) &&
         Heap(heap.data(), position.data(), priorities.data(), orders.data(), size).is_valid(num_slots);
}

}  // namespace

void bind_heap(nb::module_& module) {
  const auto array = nb::arg().noconvert();
  module.def("heap_insert", &insert, array, array, array, array, nb::arg(), array);
  module.def("heap_update", &update, array, array, array, array, nb::arg(), array, array, nb::arg());
  module.def("heap_delete", &remove, array, array, array, array, nb::arg(), array);
  module.def("heap_is_valid", &is_valid, array, array, array, array, nb::arg());
}

}  // namespace heronry
