#include "arguments.h"
#include "bindings.h"
#include "crc32c.h"

namespace heronry {

void bind_crc32c(nb::module_& module) {
  module.def("has_wide_crc32c", &has_wide_crc);
  module.def(
      "crc32c", [](Vector<const std::uint8_t> data) { return crc32c(data.data(), data.size()); },
      nb::arg().noconvert());
}

}  // namespace heronry
