#include "bindings.h"
#include "order_statistics.h"
#include "vector_arguments.h"

namespace heronry {
namespace {

template <typename Real>
void fill_mean_of_ranks(const Sources<Real>& sources, std::size_t first_rank, std::size_t last_rank,
                        const Vector<Real>& out) {
  LockReleased released(out.size() * sources.size() >= kLongVector);
  const std::vector<CompareExchange> network = network_of_ranks(sources.size(), first_rank, last_rank);
  std::vector<Real> tile(sources.size() * kTileWidth);
  mean_of_middle(MiddleRows<Real>{sources.data(), sources.size(), first_rank, last_rank, network.data(),
                                  network.size(), tile.data(), out.data()},
                 out.size());
}

template <typename Real>
void coordinate_median_of(nb::sequence sources, Vector<Real> out) {
  const Sources<Real> inputs(sources, out.size());
  require(inputs.size() > 0, "no source");
  fill_mean_of_ranks(inputs, (inputs.size() - 1) / 2, inputs.size() / 2, out);
}

template <typename Real>
void trimmed_mean_of(nb::sequence sources, std::size_t num_trimmed, Vector<Real> out) {
  const Sources<Real> inputs(sources, out.size());
  require(num_trimmed < inputs.size() && num_trimmed < inputs.size() - num_trimmed, "nothing is left");
  fill_mean_of_ranks(inputs, num_trimmed, inputs.size() - num_trimmed - 1, out);
}

template <typename Real>
void bind(nb::module_& module) {
  module.def("coordinate_median", &coordinate_median_of<Real>, nb::arg(), nb::arg().noconvert());
  module.def("trimmed_mean", &trimmed_mean_of<Real>, nb::arg(), nb::arg(), nb::arg().noconvert());
}

}  // namespace

void bind_order_statistics(nb::module_& module) {
  bind<float>(module);
  bind<double>(module);
}

}  // namespace heronry
