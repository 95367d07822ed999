// The Python module of the native core: what a loop means is written in its face in heronry.native.
#include "bindings.h"

NB_MODULE(_extension, module) {
  module.doc() = "Native loops of heronry; use them through heronry.native.";
  heronry::bind_dense(module);
  heronry::bind_heap(module);
  heronry::bind_item_keys(module);
  heronry::bind_references(module);
  heronry::bind_return_scan(module);
  heronry::bind_rows(module);
  heronry::bind_sum_tree(module);
}
