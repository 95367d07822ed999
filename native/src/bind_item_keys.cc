#include "arguments.h"
#include "bindings.h"
#include "item_keys.h"

namespace heronry {
namespace {

void find(Vector<const std::uint64_t> keys, Vector<const std::uint32_t> generations, std::uint64_t shard,
          Vector<std::int64_t> slots, Vector<bool> found) {
  require(slots.shape(0) == keys.shape(0) && found.shape(0) == keys.shape(0), "results of another length than keys");
  const ItemKeys items{generations.data(), generations.shape(0), shard};
  items.find(keys.data(), keys.shape(0), slots.data(), found.data());
}

void keys_of(Vector<const std::int64_t> slots, Vector<const std::uint32_t> generations, std::uint64_t shard,
             Vector<std::uint64_t> out) {
  require(out.shape(0) == slots.shape(0), "not as many keys as slots");
  require_all_below(slots.data(), slots.shape(0), generations.shape(0), "a slot outside those there are");
  const ItemKeys items{generations.data(), generations.shape(0), shard};
  for (std::size_t i = 0; i < slots.shape(0); ++i) out.data()[i] = items.key(slots.data()[i]);
}

}  // namespace

void bind_item_keys(nb::module_& module) {
  const auto array = nb::arg().noconvert();
  module.def("items_find", &find, array, array, nb::arg(), array, array);
  module.def("item_keys", &keys_of, array, array, nb::arg(), array);
}

}  // namespace heronry
