"""Chooses the twin once, at import."""

import importlib
import os
from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from heronry.native import twins
from heronry.native.arrays import Array, Counts, Flags, Indices, Keys, Orders, Reals, ShortIndices

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
