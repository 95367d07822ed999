"""Contributions as rows of a matrix that is never whole."""

from dataclasses import dataclass

from heronry.params.core.layout import Vector


@dataclass(frozen=True, eq=False)
class Row:
    """A held contribution: `scale * (values - v)` or `scale * values`.

    Attributes:
      scale: sign and staleness in one.
      is_anchored: the newest values `v` are subtracted.
      squared_norm: of the values as they are held.
      values: `[P]`; None when they lie in the file.
      slot: position in the file; -1 when they lie in memory.
    """

    scale: float
    is_anchored: bool
    squared_norm: float
    values: Vector | None = None
    slot: int = -1
