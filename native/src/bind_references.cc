#include "arguments.h"
#include "bindings.h"
#include "page_chains_argument.h"
#include "references.h"

namespace heronry {
namespace {

template <typename Count>
std::size_t finish(const References<Count>& references) {
  require(!references.is_below(), "a page was given back more often than it was taken");
  return references.num_zeros();
}

template <typename Count>
std::size_t add_references(Vector<Count> counts, Vector<const std::int64_t> pages, std::int64_t delta,
                           Vector<std::int64_t> zeros) {
  const std::size_t count = pages.shape(0);
  require_all_below(pages.data(), count, counts.shape(0), "a page outside those there are");
  require(delta >= 0 || zeros.shape(0) >= std::min(count, counts.shape(0)), "no room for the pages that fall to zero");
  References<Count> references(counts.data(), delta, zeros.data());
  for (std::size_t i = 0; i < count; ++i) references.add(pages.data()[i]);
  return finish(references);
}

template <typename Count>
std::size_t add_window_references(Vector<Count> counts, Vector<const std::int64_t> rows,
                                  Vector<const std::int64_t> spans, Vector<const std::int64_t> next_page,
                                  Vector<const std::int64_t> lanes, std::int64_t page_rows, std::int64_t delta,
                                  Vector<std::int64_t> zeros) {
  const PageChains chains = chains_of(rows, next_page, lanes, page_rows);
  require(spans.shape(0) == rows.shape(0), "not as many spans as rows");
  require(counts.shape(0) == chains.num_pages, "not as many counts as pages");
  require(delta >= 0 || zeros.shape(0) >= chains.num_pages, "no room for the pages that fall to zero");
  require_index(all_within_chains(chains, rows.data(), spans.data(), rows.shape(0)),
                "a window past the end of its chain");
  References<Count> references(counts.data(), delta, zeros.data());
  for (std::size_t i = 0; i < rows.shape(0); ++i) {
    ChainWalk(chains, rows.data()[i]).visit_pages(spans.data()[i], [&](std::int64_t page) { references.add(page); });
  }
  return finish(references);
}

template <typename Count>
void bind(nb::module_& module) {
  module.def("add_references", &add_references<Count>, nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(),
             nb::arg().noconvert());
  module.def("add_window_references", &add_window_references<Count>, nb::arg().noconvert(), nb::arg().noconvert(),
             nb::arg().noconvert(), nb::arg().noconvert(), nb::arg().noconvert(), nb::arg(), nb::arg(),
             nb::arg().noconvert());
}

}  // namespace

void bind_references(nb::module_& module) {
  bind<std::int32_t>(module);
  bind<std::int64_t>(module);
}

}  // namespace heronry
