"""NumPy twins of the native loops: the oracle, and what runs where no compiler was."""

from heronry.native.twins.dense import dense_delete, dense_insert
from heronry.native.twins.heap import heap_delete, heap_insert, heap_is_valid, heap_update
from heronry.native.twins.item_keys import item_keys, items_find
from heronry.native.twins.references import add_references, add_window_references
from heronry.native.twins.return_scan import return_scan
from heronry.native.twins.rows import gather_columns, window_rows
from heronry.native.twins.sum_tree import sum_tree_rebuild, sum_tree_sample, sum_tree_set

__all__ = [
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
    "sum_tree_rebuild",
    "sum_tree_sample",
    "sum_tree_set",
    "window_rows",
]
