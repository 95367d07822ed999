#include "bindings.h"
#include "box_muller.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

void box_muller_of(Vector<const std::uint64_t> words, Vector<double> out) {
  require_lengths(num_normal_words(out.size()), words);
  LockReleased released(out.size() >= kLongVector);
  box_muller(words.data(), out.data(), out.size());
}

void add_box_muller_of(Vector<const std::uint64_t> words, double scale, Vector<std::int64_t> total) {
  require_lengths(num_normal_words(total.size()), words);
  require(scale >= 0 && scale <= 0x1p47, "a scale outside 0 to 2^47");
  LockReleased released(total.size() >= kLongVector);
  add_box_muller(words.data(), scale, total.data(), total.size());
}

}  // namespace

void bind_box_muller(nb::module_& module) {
  module.def("box_muller", &box_muller_of, nb::arg().noconvert(), nb::arg().noconvert());
  module.def("add_box_muller", &add_box_muller_of, nb::arg().noconvert(), nb::arg(), nb::arg().noconvert());
}

}  // namespace heronry
