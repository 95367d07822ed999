"""Puts a batch together from rows of batches that several shards have drawn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from heronry.types.experience import Batch
from heronry.types.tensors import Array


@dataclass(frozen=True)
class DrawnRows:
    """Rows `[start, stop)` of a shard's batch.

    Attributes:
      share: probability that an item is drawn from that shard.
      is_owned: whether the rows stay valid when the batch is given back.
    """

    batch: Batch
    start: int
    stop: int
    share: float
    is_owned: bool = False

    def __len__(self) -> int:
        return self.stop - self.start

    def owned(self, squeezed: Collection[str]) -> Self:
        """Return the rows in memory of their own."""
        if self.is_owned:
            return self
        rows = replace(self, share=1.0)
        return replace(self, batch=join_rows([rows], squeezed, 0, 0), start=0, stop=len(self), is_owned=True)


def split_draws(
    rng: np.random.Generator, num_draws: int, masses: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return how many of `num_draws` independent draws fall to each shard, and each shard's probability.

    Together with draws in proportion to weight within a shard this is drawing in proportion to weight over
    all: P(i) = P_shard(i) * mass_shard / total.
    """
    shares = masses / masses.sum()
    return rng.multinomial(num_draws, shares), shares


def join_rows(parts: Sequence[DrawnRows], squeezed: Collection[str], table_size: int, batch_id: int) -> Batch:
    """Return one batch of all rows, part by part, with probabilities over all shards.

    Columns in `squeezed` are `[B, ...]`, all others `[T, B, ...]`; `table_size` counts the items of all shards.
    """
    first = parts[0].batch
    columns: dict[str, Array] = {}
    for path in first.columns:
        axis = 0 if path in squeezed else 1
        columns[path] = np.concatenate([_rows(part, part.batch.columns[path], axis) for part in parts], axis=axis)
    facts: dict[str, Array] = {}
    for name in (field.name for field in fields(Batch)):
        if isinstance(getattr(first, name), np.ndarray):
            facts[name] = np.concatenate([_rows(part, getattr(part.batch, name)) for part in parts])
    facts["probabilities"] = np.concatenate(
        [part.batch.probabilities[part.start : part.stop] * part.share for part in parts]
    )
    return replace(first, columns=columns, table_size=table_size, batch_id=batch_id, **facts)  # type: ignore[arg-type]  # arrays of its own fields


def _rows(part: DrawnRows, array: Array, axis: int = 0) -> Array:
    return array[part.start : part.stop] if axis == 0 else array[:, part.start : part.stop]
