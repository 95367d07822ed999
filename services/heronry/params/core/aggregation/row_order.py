"""An order of held rows that does not depend on when they arrived."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import blake3
import numpy as np

from heronry.params.core.aggregation.held_rows import HeldRows
from heronry.params.core.aggregation.rows import Row
from heronry.params.core.layout import Vector

_PIECE: Final = 1 << 18


def in_order(held: HeldRows, rows: Sequence[Row], newest: Vector) -> list[Row]:
    """Return the rows by norm, then by scale, then by a hash of their values.

    Ties of a rule go to the first in this order, and what rounds does so in it: the result is the same, bit for
    bit, in any order of arrival. Values are hashed only where norms are equal.
    """
    ordered: list[Row] = []
    for _, tied in groupby(sorted(rows, key=_key), key=_key):
        same = list(tied)
        ordered += same if len(same) == 1 else sorted(same, key=lambda row: _digest(held, row, newest))
    return ordered


def _key(row: Row) -> tuple[float, float, bool]:
    return row.squared_norm * row.scale**2, row.scale, row.is_anchored


def _digest(held: HeldRows, row: Row, newest: Vector) -> bytes:
    if row.values is not None:
        return blake3.blake3(row.values.view(np.uint8).data).digest()
    hasher = blake3.blake3()
    piece = np.empty(_PIECE, newest.dtype)
    for start in range(0, len(newest), _PIECE):
        out = piece[: len(newest) - start]
        held.read(row, start, out)
        hasher.update(out.view(np.uint8).data)
    return hasher.digest()
