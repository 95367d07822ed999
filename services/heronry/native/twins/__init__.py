"""NumPy twins of the native loops: the oracle, and what runs where no compiler was."""

from heronry.native.twins.bounded import bound_rows
from heronry.native.twins.box_muller import add_box_muller, box_muller
from heronry.native.twins.chunk_frames import cut_chunk, place_chunk, place_measured
from heronry.native.twins.collect import collect
from heronry.native.twins.crc32c import crc32c, has_wide_crc32c
from heronry.native.twins.dense import dense_delete, dense_insert
from heronry.native.twins.discrete_gaussian import add_discrete_gaussian
from heronry.native.twins.forward import make_network
from heronry.native.twins.games import make_game
from heronry.native.twins.gram import add_products
from heronry.native.twins.grid_sums import grid_add, grid_add_all, grid_mean
from heronry.native.twins.heap import heap_delete, heap_insert, heap_is_valid, heap_update
from heronry.native.twins.int8_blocks import int8_pack, int8_unpack
from heronry.native.twins.interleave import interleave
from heronry.native.twins.item_keys import item_keys, items_find
from heronry.native.twins.number_formats import bf16_pack, bf16_unpack, f16_pack, f16_unpack
from heronry.native.twins.optimizer_steps import adagrad_step, adam_step, sgd_step
from heronry.native.twins.order_statistics import coordinate_median, trimmed_mean
from heronry.native.twins.poisson_difference import add_poisson_difference
from heronry.native.twins.references import add_references, add_window_references
from heronry.native.twins.return_scan import return_scan
from heronry.native.twins.rows import gather_columns, window_rows
from heronry.native.twins.sum_tree import sum_tree_rebuild, sum_tree_sample, sum_tree_set
from heronry.native.twins.top_k import scatter, top_k
from heronry.native.twins.vector_sums import apply_difference, apply_sum, copy_measured, measure, weighted_sum

__all__ = [
    "adagrad_step",
    "adam_step",
    "add_box_muller",
    "add_discrete_gaussian",
    "add_poisson_difference",
    "add_products",
    "add_references",
    "add_window_references",
    "apply_difference",
    "apply_sum",
    "bf16_pack",
    "bf16_unpack",
    "bound_rows",
    "box_muller",
    "collect",
    "coordinate_median",
    "copy_measured",
    "crc32c",
    "cut_chunk",
    "dense_delete",
    "dense_insert",
    "f16_pack",
    "f16_unpack",
    "gather_columns",
    "grid_add",
    "grid_add_all",
    "grid_mean",
    "has_wide_crc32c",
    "heap_delete",
    "heap_insert",
    "heap_is_valid",
    "heap_update",
    "int8_pack",
    "int8_unpack",
    "interleave",
    "item_keys",
    "items_find",
    "make_game",
    "make_network",
    "measure",
    "place_chunk",
    "place_measured",
    "return_scan",
    "scatter",
    "sgd_step",
    "sum_tree_rebuild",
    "sum_tree_sample",
    "sum_tree_set",
    "top_k",
    "trimmed_mean",
    "weighted_sum",
    "window_rows",
]
