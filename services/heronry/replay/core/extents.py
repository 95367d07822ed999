"""How much memory is taken from the system at a time."""

from typing import Final

from heronry.replay.core.byte_budget import TableBudget

_EXTENT_BYTES: Final = 1 << 20
_PLENTY: Final = 16


def extent_of(needed: int, unit_bytes: int, budget: TableBudget, untouched: int) -> int:
    """Return how many units to take when `needed` lack: an extent's, or only these when bytes are scarce.

    Scarce bytes are left to others: to other columns, whose need was told together with this one.
    """
    if budget.left < _PLENTY * _EXTENT_BYTES:
        return needed
    return max(needed, min(_EXTENT_BYTES // unit_bytes, untouched))
