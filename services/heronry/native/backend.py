"""Chooses the twin once, at import."""

import importlib
import os
from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from heronry.native import twins
from heronry.native.arrays import (
    Array,
    Bytes,
    Codes,
    Counts,
    Flags,
    Floats,
    HalfBits,
    Indices,
    Keys,
    Orders,
    Reals,
    ShortIndices,
    Vector,
)
from heronry.native.game_engine import GameEngine
from heronry.native.policy_network import PolicyNetwork

RealT = TypeVar("RealT", npt.NDArray[np.float32], npt.NDArray[np.float64])


class Loops(Protocol):
    """What both twins offer. The faces allocate the results; what a loop means is written there.

    Arguments are positional. Both twins refuse a wrong type or a gap by TypeError, an index out of range by IndexError.
    """

    def return_scan(self, deltas: RealT, coefficients: RealT, out: RealT, /) -> None: ...
    def sum_tree_set(self, nodes: Reals, offsets: Indices, slots: Indices, weights: Reals, /) -> None: ...
    def sum_tree_rebuild(self, nodes: Reals, offsets: Indices, /) -> None: ...
    def sum_tree_sample(self, nodes: Reals, offsets: Indices, targets: Reals, out: Indices, /) -> None: ...
    def gather_columns(self, sources: Sequence[Array], rows: Indices, outs: Sequence[Array], /) -> None: ...
    def window_rows(
        self, rows: Indices, steps: Indices, next_page: Indices, lanes: Indices, page_rows: int, out: Indices, /
    ) -> None: ...
    def add_references(self, references: Counts, pages: Indices, delta: int, zeros: Indices, /) -> int: ...
    def add_window_references(
        self,
        references: Counts,
        rows: Indices,
        spans: Indices,
        next_page: Indices,
        lanes: Indices,
        page_rows: int,
        delta: int,
        zeros: Indices,
        /,
    ) -> int: ...
    def dense_insert(self, dense: ShortIndices, position: ShortIndices, size: int, slots: Indices, /) -> int: ...
    def dense_delete(self, dense: ShortIndices, position: ShortIndices, size: int, slots: Indices, /) -> int: ...
    def heap_insert(
        self,
        heap: ShortIndices,
        position: ShortIndices,
        priorities: Reals,
        orders: Orders,
        size: int,
        slots: Indices,
        /,
    ) -> int: ...
    def heap_update(
        self,
        heap: ShortIndices,
        position: ShortIndices,
        priorities: Reals,
        orders: Orders,
        size: int,
        slots: Indices,
        values: Reals,
        first_order: int,
        /,
    ) -> None: ...
    def heap_delete(
        self,
        heap: ShortIndices,
        position: ShortIndices,
        priorities: Reals,
        orders: Orders,
        size: int,
        slots: Indices,
        /,
    ) -> int: ...
    def heap_is_valid(
        self, heap: ShortIndices, position: ShortIndices, priorities: Reals, orders: Orders, size: int, /
    ) -> bool: ...
    def items_find(
        self, keys: Keys, generations: ShortIndices, shard: int, slots: Indices, found: Flags, /
    ) -> None: ...
    def item_keys(self, slots: Indices, generations: ShortIndices, shard: int, out: Keys, /) -> None: ...
    def has_wide_crc32c(self) -> bool: ...
    def crc32c(self, data: Bytes, /) -> int: ...
    def cut_chunk(self, before: bytes, after: bytes, parts: Sequence[Bytes], /) -> bytes: ...
    def place_chunk(self, frame: bytes, tag: bytes, out: Bytes, begin: int, max_bytes: int, /) -> int: ...
    def place_measured(
        self, frame: bytes, tag: bytes, out: Vector, begin: int, max_bytes: int, squares: float, /
    ) -> tuple[int, float, float]: ...
    def measure(self, values: Vector, /) -> tuple[float, float]: ...
    def copy_measured(self, source: Bytes, out: Vector, squares: float, /) -> tuple[float, float]: ...
    def weighted_sum(self, sources: Sequence[Vector], weights: Reals, out: Vector, onto: bool, /) -> None: ...
    def apply_difference(self, newest: Vector, total: Vector, keep: float, scale: float, out: Vector, /) -> float: ...
    def apply_sum(
        self, newest: Vector, sources: Sequence[Vector], weights: Reals, keep: float, scale: float, out: Vector, /
    ) -> float: ...
    def sgd_step(
        self,
        newest: Vector,
        difference: Vector,
        velocity: Vector,
        rate: float,
        momentum: float,
        nesterov: bool,
        out: Vector,
        velocity_out: Vector,
        /,
    ) -> float: ...
    def adam_step(
        self,
        newest: Vector,
        difference: Vector,
        moment1: Vector,
        moment2: Vector,
        corrected_rate: float,
        beta1: float,
        beta2: float,
        root_correction: float,
        epsilon: float,
        is_yogi: bool,
        out: Vector,
        moment1_out: Vector,
        moment2_out: Vector,
        /,
    ) -> float: ...
    def adagrad_step(
        self,
        newest: Vector,
        difference: Vector,
        sums: Vector,
        rate: float,
        epsilon: float,
        out: Vector,
        sums_out: Vector,
        /,
    ) -> float: ...
    def box_muller(self, words: Keys, out: Reals, /) -> None: ...
    def add_box_muller(self, words: Keys, scale: float, total: Indices, /) -> None: ...
    def add_discrete_gaussian(self, words: Keys, sigma: int, total: Indices, /) -> tuple[int, int]: ...
    def add_poisson_difference(self, words: Keys, mean: float, total: Indices, /) -> tuple[int, int]: ...
    def add_products(self, sources: Sequence[Vector], origin: int, unit: float, products: Reals, /) -> None: ...
    def grid_add(self, total: Indices, values: Vector, weight: float, step: float, /) -> None: ...
    def grid_add_all(self, total: Indices, sources: Sequence[Vector], weights: Reals, step: float, /) -> None: ...
    def grid_mean(self, total: Indices, step: float, denominator: float, out: Vector, /) -> None: ...
    def coordinate_median(self, sources: Sequence[Vector], out: Vector, /) -> None: ...
    def trimmed_mean(self, sources: Sequence[Vector], num_trimmed: int, out: Vector, /) -> None: ...
    def bf16_pack(self, values: Floats, out: HalfBits, /) -> None: ...
    def bf16_unpack(self, bits: HalfBits, out: Floats, /) -> None: ...
    def f16_pack(self, values: Floats, out: HalfBits, /) -> None: ...
    def f16_unpack(self, bits: HalfBits, out: Floats, /) -> None: ...
    def int8_pack(self, values: Floats, seed: int, scales: Floats, codes: Codes, /) -> None: ...
    def int8_unpack(self, scales: Floats, codes: Codes, out: Floats, /) -> None: ...
    def bound_rows(self, rows: Vector, low: Reals, high: Reals, out: Vector, /) -> int: ...
    def interleave(self, planes: Bytes, out: Bytes, /) -> None: ...
    def top_k(self, values: Floats, indices: ShortIndices, kept: Floats, /) -> None: ...
    def make_game(self, name: str, num_lanes: int, options: dict[str, float], num_threads: int, /) -> GameEngine: ...
    def collect(
        self,
        game: GameEngine,
        network: PolicyNetwork,
        columns: dict[str, Array],
        randoms: dict[str, Array],
        num_steps: int,
        /,
    ) -> tuple[int, float, float]: ...
    def make_network(
        self,
        picture: tuple[int, int, int],
        convolutions: Sequence[tuple[int, int, int]],
        widths: Sequence[int],
        activation: str,
        byte_scale: float,
        /,
    ) -> PolicyNetwork: ...
    def scatter(self, indices: ShortIndices, kept: Floats, out: Floats, /) -> None: ...


def load(name: str) -> Loops:
    """Return the twin of that name: `native` or `numpy`.

    Raises:
      ImportError: `native` was asked for and the extension was not built.
    """
    if name == "numpy":
        return cast(Loops, twins)
    extension = importlib.import_module("heronry.native._extension")
    missing = [loop for loop in twins.__all__ if not hasattr(extension, loop)]
    if missing:
        raise ImportError(f"the extension was built from older sources: it lacks {', '.join(missing)}")
    return cast(Loops, extension)


def _choose() -> tuple[str, Loops]:
    if os.environ.get("HERONRY_NATIVE") != "0":
        try:
            return "native", load("native")
        except ImportError:
            return "numpy", load("numpy")
    return "numpy", load("numpy")


BACKEND, LOOPS = _choose()
