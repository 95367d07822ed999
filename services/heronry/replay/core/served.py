"""Items that a table served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from heronry.replay.core.items import Items, Keys
from heronry.replay.core.selector import Draw, Slots
from heronry.types.experience import Batch
from heronry.types.tensors import Array

_S = TypeVar("_S", bound=np.generic)


@dataclass(frozen=True)
class Lease:
    """What a batch took out of the table until it is acknowledged.

    Attributes:
      keys: of all items served.
      retired: slots of the items that this serving used up; they keep their steps.
      incarnation: of the table; a reset makes the lease void.
    """

    keys: Keys
    retired: Slots
    incarnation: int


@dataclass(frozen=True)
class Served:
    """Columns `[T, B, ...]` and facts `[B]` of items served together, with their lease."""

    columns: Mapping[str, Array]
    keys: Keys
    probabilities: npt.NDArray[np.float64]
    priorities: npt.NDArray[np.float64]
    times_sampled: npt.NDArray[np.uint32]
    epochs: npt.NDArray[np.uint64]
    numbers: npt.NDArray[np.uint64]
    table_size: int
    lease: Lease

    def __len__(self) -> int:
        return len(self.keys)


def serve(items: Items, draw: Draw, columns: Mapping[str, Array], table_size: int, lease: Lease) -> Served:
    """Return the items drawn, with the facts that `items` holds of them."""
    slots = draw.slots
    return Served(
        columns=columns,
        keys=lease.keys,
        probabilities=draw.probabilities,
        priorities=items.priorities[slots],
        times_sampled=items.times_sampled[slots],
        epochs=items.epochs[slots],
        numbers=items.numbers[slots],
        table_size=table_size,
        lease=lease,
    )


def batch_of(parts: Sequence[Served], batch_id: int) -> Batch:
    """Return one batch of items served one after the other; the table's size is that of the last part."""
    first = parts[0]
    columns = first.columns
    if len(parts) > 1:
        columns = {path: np.concatenate([p.columns[path] for p in parts], axis=1) for path in columns}
    return Batch(
        columns=columns,
        keys=_joined([p.keys for p in parts]),
        probabilities=_joined([p.probabilities for p in parts]),
        priorities=_joined([p.priorities for p in parts]),
        times_sampled=_joined([p.times_sampled for p in parts]),
        behaviour_epochs=_joined([p.epochs for p in parts]),
        behaviour_numbers=_joined([p.numbers for p in parts]),
        table_size=parts[-1].table_size,
        batch_id=batch_id,
    )


def _joined(arrays: list[npt.NDArray[_S]]) -> npt.NDArray[_S]:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
