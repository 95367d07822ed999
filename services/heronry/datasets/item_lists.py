"""Facts of a run's items ⇄ lists in the rows of the steps at which the items begin."""

from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from heronry.types.experience import RunItems
from heronry.types.tensors import Array

E = TypeVar("E", bound=np.generic)
ITEM: Final = "@item"
# Fact of an item, its column, its type.
FACTS: Final[dict[str, tuple[str, np.dtype[Any]]]] = {
    "lengths": ("@length", np.dtype(np.uint32)),
    "keys": ("@key", np.dtype(np.uint64)),
    "priorities": ("@priority", np.dtype(np.float64)),
    "times_sampled": ("@times_sampled", np.dtype(np.uint32)),
    "behaviour_epochs": ("@epoch", np.dtype(np.uint64)),
    "behaviour_numbers": ("@version", np.dtype(np.uint64)),
}
COLUMNS: Final[tuple[tuple[str, np.dtype[Any]], ...]] = ((ITEM, np.dtype(np.uint64)), *FACTS.values())


def item_fields() -> list[tuple[str, pa.DataType]]:
    """Return the columns that carry items."""
    return [(name, pa.list_(pa.from_numpy_dtype(dtype))) for name, dtype in COLUMNS]


def lists_of(items: RunItems, num_steps: int, first_item: int) -> list[pa.Array]:
    """Return each fact as one list a step; `first_item` numbers the items by their order in the run."""
    order = np.argsort(items.starts, kind="stable")
    counts = np.bincount(items.starts, minlength=num_steps)
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))).astype(np.int32))
    numbers: Array = np.arange(first_item, first_item + len(items), dtype=np.uint64)
    facts = [(numbers, COLUMNS[0][1]), *((getattr(items, fact), dtype) for fact, (_, dtype) in FACTS.items())]
    return [pa.ListArray.from_arrays(offsets, pa.array(np.asarray(f, dtype)[order])) for f, dtype in facts]


def items_of(batch: pa.RecordBatch) -> tuple[RunItems, npt.NDArray[np.uint64]]:
    """Return the items that begin in these rows, ordered by start, and their numbers."""
    numbers_of_rows = batch.column(ITEM)
    counts = np.asarray(numbers_of_rows.value_lengths().to_numpy(zero_copy_only=False), np.int64)
    starts = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    facts = {fact: _flat(batch.column(name), dtype) for fact, (name, dtype) in FACTS.items()}
    return RunItems(starts=starts, **facts), _flat(numbers_of_rows, COLUMNS[0][1])


def in_order(items: RunItems, numbers: npt.NDArray[np.uint64]) -> RunItems:
    """Return the items by their numbers."""
    order = np.argsort(numbers, kind="stable")
    return RunItems(items.starts[order], *(getattr(items, fact)[order] for fact in FACTS))


def _flat(lists: pa.ListArray, dtype: np.dtype[E]) -> npt.NDArray[E]:
    return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), dtype)
