// One function an idea adds its loops to the module; each lies in bind_<idea>.cc.
#pragma once

#include <nanobind/nanobind.h>

namespace heronry {

void bind_dense(nanobind::module_& module);
void bind_heap(nanobind::module_& module);
void bind_item_keys(nanobind::module_& module);
void bind_references(nanobind::module_& module);
void bind_return_scan(nanobind::module_& module);
void bind_rows(nanobind::module_& module);
void bind_sum_tree(nanobind::module_& module);

}  // namespace heronry
