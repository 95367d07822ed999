"""The hot loops: C++ where the extension is built, NumPy twins otherwise, one interface."""

from heronry.native.backend import BACKEND, LOOPS, Loops
from heronry.native.bounded import bounded
from heronry.native.box_muller import MAX_NORMAL_SCALE, add_box_muller, box_muller, num_normal_words
from heronry.native.chunk_frames import cut_chunk, place_chunk, place_measured
from heronry.native.collect import CollectTimes, NothingToChooseError, collect
from heronry.native.crc32c import crc32c
from heronry.native.dense import dense_delete, dense_insert
from heronry.native.discrete_gaussian import MAX_DISCRETE_SIGMA, add_discrete_gaussian
from heronry.native.forward import MAX_TANH_ERROR, NetworkShape, make_network
from heronry.native.gram import add_products
from heronry.native.grid_sums import grid_add, grid_add_all, grid_mean
from heronry.native.heap import heap_delete, heap_insert, heap_is_valid, heap_update
from heronry.native.int8_blocks import INT8_BLOCK_SIZE, int8_pack, int8_unpack, num_int8_blocks
from heronry.native.interleave import channels_last
from heronry.native.item_keys import item_keys, items_find
from heronry.native.number_formats import bf16_pack, bf16_unpack, f16_pack, f16_unpack
from heronry.native.optimizer_steps import adagrad_step, adam_step, sgd_step
from heronry.native.order_statistics import coordinate_median, trimmed_mean
from heronry.native.poisson_difference import MAX_POISSON_MEAN, add_poisson_difference
from heronry.native.policy_network import PolicyNetwork
from heronry.native.references import add_references, add_window_references
from heronry.native.return_scan import return_scan
from heronry.native.rows import gather_columns, take_rows, window_rows
from heronry.native.sum_tree import SUM_TREE_RADIX, sum_tree_offsets, sum_tree_rebuild, sum_tree_sample, sum_tree_set
from heronry.native.top_k import scatter, top_k
from heronry.native.vector_sums import MEASURED_BLOCK, apply_difference, apply_sum, copy_measured, measure, weighted_sum

__all__ = [
    "BACKEND",
    "INT8_BLOCK_SIZE",
    "CollectTimes",
    "LOOPS",
    "MAX_DISCRETE_SIGMA",
    "MAX_NORMAL_SCALE",
    "MAX_POISSON_MEAN",
    "MAX_TANH_ERROR",
    "MEASURED_BLOCK",
    "Loops",
    "NetworkShape",
    "NothingToChooseError",
    "PolicyNetwork",
    "SUM_TREE_RADIX",
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
    "bounded",
    "box_muller",
    "collect",
    "channels_last",
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
    "heap_delete",
    "heap_insert",
    "heap_is_valid",
    "heap_update",
    "int8_pack",
    "int8_unpack",
    "item_keys",
    "items_find",
    "make_network",
    "measure",
    "num_int8_blocks",
    "num_normal_words",
    "place_chunk",
    "place_measured",
    "return_scan",
    "scatter",
    "sgd_step",
    "sum_tree_offsets",
    "sum_tree_rebuild",
    "sum_tree_sample",
    "sum_tree_set",
    "take_rows",
    "top_k",
    "trimmed_mean",
    "weighted_sum",
    "window_rows",
]
