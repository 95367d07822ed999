// The Python module of the native core: what a loop means is written in its face in heronry.native.
#include "bindings.h"

NB_MODULE(_extension, module) {
  module.doc() = "Native loops of heronry; use them through heronry.native.";
  heronry::bind_bounded(module);
  heronry::bind_box_muller(module);
  heronry::bind_chunk_frames(module);
  heronry::bind_collect(module);
  heronry::bind_crc32c(module);
  heronry::bind_dense(module);
  heronry::bind_discrete_noise(module);
  heronry::bind_forward(module);
  heronry::bind_games(module);
  heronry::bind_gram(module);
  heronry::bind_grid_sums(module);
  heronry::bind_heap(module);
  heronry::bind_int8_blocks(module);
  heronry::bind_interleave(module);
  heronry::bind_item_keys(module);
  heronry::bind_number_formats(module);
  heronry::bind_optimizer_steps(module);
  heronry::bind_order_statistics(module);
  heronry::bind_references(module);
  heronry::bind_return_scan(module);
  heronry::bind_rows(module);
  heronry::bind_sum_tree(module);
  heronry::bind_top_k(module);
  heronry::bind_vector_sums(module);
}
