#include <algorithm>

#include "bindings.h"
#include "top_k.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

void largest(Vector<const float> values, Vector<std::uint32_t> indices, Vector<float> kept) {
  require_lengths(indices.size(), kept);
  require(indices.size() <= values.size(), "more of the largest than there are values");
  require(values.size() <= UINT32_MAX, "more values than an index can name");
  LockReleased released(values.size() >= kLongVector);
  top_k(values.data(), values.size(), indices.data(), kept.data(), indices.size());
}

void scatter(Vector<const std::uint32_t> indices, Vector<const float> kept, Vector<float> out) {
  require_lengths(indices.size(), kept);
  std::uint32_t highest = 0;
  for (std::size_t i = 0; i < indices.size(); ++i) highest = std::max(highest, indices.data()[i]);
  require_index(indices.size() == 0 || highest < out.size(), "an index past the end");
  LockReleased released(out.size() >= kLongVector);
  std::fill_n(out.data(), out.size(), 0.0f);
  for (std::size_t i = 0; i < indices.size(); ++i) out.data()[indices.data()[i]] = kept.data()[i];
}

}  // namespace

void bind_top_k(nb::module_& module) {
  module.def("top_k", &largest, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert());
  module.def("scatter", &scatter, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert());
}

}  // namespace heronry
