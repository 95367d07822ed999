#include "bindings.h"
#include "discrete_gaussian.h"
#include "poisson_difference.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

template <typename Draw>
nb::tuple add_draws_of(Vector<const std::uint64_t> words, Vector<std::int64_t> total, const Draw& draw) {
  Drawn drawn{};
  {
    LockReleased released(true);
    drawn = add_draws(words.data(), words.size(), total.data(), total.size(), draw);
  }
  return nb::make_tuple(drawn.num_values, drawn.num_words);
}

nb::tuple add_discrete_gaussian(Vector<const std::uint64_t> words, std::uint64_t sigma, Vector<std::int64_t> total) {
  require(sigma >= 1 && sigma <= 1 << 24, "a sigma outside 1 to 2^24");
  return add_draws_of(words, total, [=](WordStream& stream) { return discrete_gaussian(stream, sigma); });
}

nb::tuple add_poisson_difference(Vector<const std::uint64_t> words, double mean, Vector<std::int64_t> total) {
  require(mean > 0 && mean <= 0x1p39, "a mean outside 0 to 2^39");
  const Poisson poisson(mean);
  return add_draws_of(words, total, [&](WordStream& stream) {
    const std::int64_t first = poisson.draw(stream);
    return first - poisson.draw(stream);
  });
}

}  // namespace

void bind_discrete_noise(nb::module_& module) {
  module.def("add_discrete_gaussian", &add_discrete_gaussian, nb::arg().noconvert(), nb::arg(), nb::arg().noconvert());
  module.def("add_poisson_difference", &add_poisson_difference, nb::arg().noconvert(), nb::arg(),
             nb::arg().noconvert());
}

}  // namespace heronry
