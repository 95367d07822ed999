"""What items cover, where blocks were written, and what an export carries: values of the step store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from heronry.types.patterns import Pattern
from heronry.types.tensors import Array

Rows = npt.NDArray[np.int64]
Lengths = npt.NDArray[np.uint16]
Leads = npt.NDArray[np.uint8]
Pages = npt.NDArray[np.int64]

_NO_ROWS = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Windows:
    """What K items cover; all addressing goes forward from the first step that an item holds.

    Attributes:
      rows: `[K]`, row of the first held step.
      lengths: `[K]`, steps of the item; None: all are of the pattern's.
      leads: `[K]`, held steps before the item's first, for stacks to reach back to; None: the pattern
        stacks nothing.
    """

    rows: Rows
    lengths: Lengths | None = None
    leads: Leads | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: slice | npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "Windows":
        """Return some of the windows; a slice is a view."""
        lengths = None if self.lengths is None else self.lengths[index]
        leads = None if self.leads is None else self.leads[index]
        return Windows(self.rows[index], lengths, leads)

    @classmethod
    def empty(cls, pattern: Pattern) -> Self:
        """Return no windows, with the fields that a pattern's windows have."""
        lengths = np.zeros(0, np.uint16) if pattern.has_lengths else None
        return cls(_NO_ROWS, lengths, np.zeros(0, np.uint8) if pattern.max_stack > 1 else None)

    @classmethod
    def concatenate(cls, parts: Sequence["Windows"]) -> "Windows":
        """Return the windows of all parts, of one pattern, in their order; at least one part."""
        if len(parts) == 1:
            return parts[0]
        lengths = [p.lengths for p in parts if p.lengths is not None]
        leads = [p.leads for p in parts if p.leads is not None]
        return cls(
            np.concatenate([p.rows for p in parts]),
            np.concatenate(lengths) if lengths else None,
            np.concatenate(leads) if leads else None,
        )


class Piece(NamedTuple):
    """What a block wrote of one page.

    Attributes:
      page: its number.
      previous: the page that this one continues, or -1; of account where the piece begins the page.
      lanes: side by side in the page.
      strand: number of the lanes' strand.
      first_step: index in the lane of the page's first step.
      begin: rows that were filled before; 0: the page was free.
      filled: rows that are filled after.
      checksums: running CRC32C of each stored column over the filled rows; none where the store keeps none.
    """

    page: int
    previous: int
    lanes: int
    strand: int
    first_step: int
    begin: int
    filled: int
    checksums: tuple[int, ...]


Pieces = tuple[Piece, ...]
"""Where steps were written, in the order of writing."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append stored.

    Attributes:
      windows: of the items it completes, held, in the order of their last step, then lane, then first step.
      ends: `[K, 2]` int64: last step of each in the block, and its lane in the writer.
      pieces: where the steps lie.
    """

    windows: Windows
    ends: npt.NDArray[np.int64]
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Consecutive steps of one lane and the items that lie in them.

    Attributes:
      lane: unique in the table.
      first_step: index of the first step in the lane.
      columns: `[T, ...]` by path.
      starts: `[K]` uint32, first step of each item, relative to the run.
      lengths: `[K]` uint32, steps of each item.
      indices: `[K]` int64, which of the windows asked for each item is.
      history: `[T]` uint8, steps before each in its episode that the lane held, at most 255; None: unknown.
    """

    lane: int
    first_step: int
    columns: Mapping[str, Array]
    starts: npt.NDArray[np.uint32]
    lengths: npt.NDArray[np.uint32]
    indices: npt.NDArray[np.int64]
    history: npt.NDArray[np.uint8] | None = None

    @property
    def num_steps(self) -> int:
        """T."""
        return len(next(iter(self.columns.values())))
