"""Behaviour versions as small numbers, so that an item holds four bytes of its version."""

import numpy as np
import numpy.typing as npt

from heronry.replay.core.state import State, array_of, int_of
from heronry.types.version import ParameterVersion

VersionIdArray = npt.NDArray[np.uint32]

_FIRST_CAPACITY = 64


class VersionIds:
    """Interned versions with a count of the items that have each; an id is free again at 0.

    Attributes:
      epochs, numbers: by id.
    """

    def __init__(self) -> None:
        self.epochs = np.zeros(_FIRST_CAPACITY, np.uint64)
        self.numbers = np.zeros(_FIRST_CAPACITY, np.uint64)
        self._counts = np.zeros(_FIRST_CAPACITY, np.int64)
        self._ids: dict[tuple[int, int], int] = {}
        self._free: list[int] = []
        self._num_touched = 0

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def only(self) -> tuple[int, int] | None:
        """Epoch and number where all items have the same; otherwise None."""
        return next(iter(self._ids)) if len(self._ids) == 1 else None

    def acquire(self, version: ParameterVersion, count: int) -> int:
        """Return the id of a version for `count` more items."""
        key = (version.epoch, version.number)
        found = self._ids.get(key)
        if found is None:
            found = self._add(key)
        self._counts[found] += count
        return found

    def release(self, ids: VersionIdArray) -> None:
        """Drop one item for each id named."""
        np.subtract.at(self._counts, ids, 1)
        gone = ids[self._counts[ids] == 0]
        if len(gone):
            for index in np.unique(gone).tolist():
                del self._ids[int(self.epochs[index]), int(self.numbers[index])]
                self._free.append(index)

    def clear(self) -> None:
        """Forget all versions."""
        self._counts.fill(0)
        self._ids.clear()
        self._free.clear()
        self._num_touched = 0

    def state(self) -> State:
        """Return all that `restore` needs."""
        used = slice(0, self._num_touched)
        return {
            "epochs": self.epochs[used].copy(),
            "numbers": self.numbers[used].copy(),
            "counts": self._counts[used].copy(),
            "free": np.array(self._free, np.uint32),
            "num_touched": self._num_touched,
        }

    def restore(self, state: State) -> None:
        """Become what `state` was taken of."""
        self._num_touched = int_of(state, "num_touched")
        capacity = max(_FIRST_CAPACITY, self._num_touched)
        for name, field in (("epochs", "epochs"), ("numbers", "numbers"), ("counts", "_counts")):
            array = np.zeros(capacity, getattr(self, field).dtype)
            array[: self._num_touched] = array_of(state, name)
            setattr(self, field, array)
        self._free = [int(i) for i in array_of(state, "free")]
        used = np.flatnonzero(self._counts).tolist()
        self._ids = {(int(self.epochs[i]), int(self.numbers[i])): i for i in used}

    def _add(self, key: tuple[int, int]) -> int:
        if self._free:
            index = self._free.pop()
        else:
            index = self._num_touched
            self._num_touched += 1
        if index == len(self._counts):
            for field in ("epochs", "numbers", "_counts"):
                setattr(self, field, np.concatenate([getattr(self, field), np.zeros_like(getattr(self, field))]))
        self.epochs[index], self.numbers[index] = key
        self._counts[index] = 0
        self._ids[key] = index
        return index
