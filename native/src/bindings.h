// One function an idea adds its loops to the module; each lies in bind_<idea>.cc.
#pragma once

#include <nanobind/nanobind.h>

namespace heronry {

void bind_bounded(nanobind::module_& module);
void bind_box_muller(nanobind::module_& module);
void bind_chunk_frames(nanobind::module_& module);
void bind_collect(nanobind::module_& module);
void bind_crc32c(nanobind::module_& module);
void bind_dense(nanobind::module_& module);
void bind_discrete_noise(nanobind::module_& module);
void bind_forward(nanobind::module_& module);
void bind_games(nanobind::module_& module);
void bind_gram(nanobind::module_& module);
void bind_grid_sums(nanobind::module_& module);
void bind_heap(nanobind::module_& module);
void bind_int8_blocks(nanobind::module_& module);
void bind_interleave(nanobind::module_& module);
void bind_item_keys(nanobind::module_& module);
void bind_number_formats(nanobind::module_& module);
void bind_optimizer_steps(nanobind::module_& module);
void bind_order_statistics(nanobind::module_& module);
void bind_references(nanobind::module_& module);
void bind_return_scan(nanobind::module_& module);
void bind_rows(nanobind::module_& module);
void bind_sum_tree(nanobind::module_& module);
void bind_top_k(nanobind::module_& module);
void bind_vector_sums(nanobind::module_& module);

}  // namespace heronry
