"""Where a batch's columns and facts are written: the core fills what it is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from heronry.types.columns import ColumnSpec
from heronry.types.experience import Batch
from heronry.types.tensors import Array, ElementType

KEY: Final = "@key"
PROBABILITY: Final = "@probability"
PRIORITY: Final = "@priority"
TIMES_SAMPLED: Final = "@times_sampled"
EPOCH: Final = "@epoch"
VERSION: Final = "@version"
AGE: Final = "@age"
LENGTH: Final = "@length"
TABLE: Final = "@table"

FACTS: Final[Mapping[str, ElementType]] = {
    KEY: ElementType.UINT64,
    PROBABILITY: ElementType.FLOAT64,
    PRIORITY: ElementType.FLOAT64,
    TIMES_SAMPLED: ElementType.UINT32,
    EPOCH: ElementType.UINT64,
    VERSION: ElementType.UINT64,
    AGE: ElementType.UINT64,
}
"""Facts of every batch, in their order; `@length` and `@table` come after them where they are told."""


@dataclass(frozen=True)
class BatchLayout:
    """What a batch is made of; it never changes in a stream.

    Attributes:
      columns: by output name, with the whole shape `[T, B, ...]` or `[B, ...]`.
      facts: `[B]` each, after the columns.
      batch_size: B.
    """

    columns: tuple[ColumnSpec, ...]
    facts: tuple[ColumnSpec, ...]
    batch_size: int

    @property
    def num_bytes(self) -> int:
        """Bytes of all columns and facts."""
        return sum(s.num_bytes for s in self.columns) + sum(s.num_bytes for s in self.facts)


class BatchBuffer(Protocol):
    """Writable arrays of one batch, C-contiguous, of the layout they were made for.

    What they hold before they are filled is undefined: whoever fills writes every byte.
    """

    @property
    def columns(self) -> Mapping[str, Array]:
        """`[T, B, ...]` or `[B, ...]` by output name."""
        ...

    @property
    def facts(self) -> Mapping[str, Array]:
        """`[B]` by name."""
        ...

    def seal(self, batch_id: int, table_size: int) -> None:
        """Say that all is written: the batch's id, and the items in the table when its last one was drawn."""
        ...


NewBuffer = Callable[[BatchLayout], BatchBuffer]
"""Makes the buffer of one batch; may hand out the memory of a former batch that nobody reads any more."""


class ArrayBuffer:
    """A batch in arrays of its own, for use in one process."""

    def __init__(self, layout: BatchLayout) -> None:
        self.columns: Mapping[str, Array] = _arrays(layout.columns)
        self.facts: Mapping[str, Array] = _arrays(layout.facts)
        self.batch_id = 0
        self.table_size = 0

    def seal(self, batch_id: int, table_size: int) -> None:
        """Keep the batch's id and the table's size."""
        self.batch_id = batch_id
        self.table_size = table_size

    def batch(self) -> Batch:
        """Return the batch; its arrays are the buffer's."""
        facts = self.facts
        return Batch(
            columns=self.columns,
            keys=np.asarray(facts[KEY], np.uint64),
            probabilities=np.asarray(facts[PROBABILITY], np.float64),
            priorities=np.asarray(facts[PRIORITY], np.float64),
            times_sampled=np.asarray(facts[TIMES_SAMPLED], np.uint32),
            behaviour_epochs=np.asarray(facts[EPOCH], np.uint64),
            behaviour_numbers=np.asarray(facts[VERSION], np.uint64),
            table_size=self.table_size,
            batch_id=self.batch_id,
        )


def fact_specs(batch_size: int, *, with_length: bool, with_table: bool) -> tuple[ColumnSpec, ...]:
    """Return the facts of a batch of `batch_size` items."""
    kinds = dict(FACTS)
    if with_length:
        kinds[LENGTH] = ElementType.UINT32
    if with_table:
        kinds[TABLE] = ElementType.UINT32
    return tuple(ColumnSpec(name, kind, (batch_size,)) for name, kind in kinds.items())


def _arrays(specs: tuple[ColumnSpec, ...]) -> dict[str, Array]:
    return {s.path: np.empty(s.shape, s.element_type.dtype) for s in specs}
