"""The hot loops: C++ where the extension is built, NumPy twins otherwise, one interface."""

from heronry.native.backend import BACKEND
from heronry.native.dense import dense_delete, dense_insert
from heronry.native.heap import heap_delete, heap_insert, heap_is_valid, heap_update
from heronry.native.item_keys import item_keys, items_find
from heronry.native.references import add_references, add_window_references
from heronry.native.return_scan import return_scan
from heronry.native.rows import gather_columns, take_rows, window_rows
from heronry.native.sum_tree import SUM_TREE_RADIX, sum_tree_offsets, sum_tree_rebuild, sum_tree_sample, sum_tree_set

__all__ = [
    "BACKEND",
    "SUM_TREE_RADIX",
    "add_references",
    "add_window_references",
    "dense_delete",
    "dense_insert",
    "gather_columns",
    "heap_delete",
    "heap_insert",
    "heap_is_valid",
    "heap_update",
    "item_keys",
    "items_find",
    "return_scan",
    "sum_tree_offsets",
    "sum_tree_rebuild",
    "sum_tree_sample",
    "sum_tree_set",
    "take_rows",
    "window_rows",
]
