"""Every item with equal probability."""

import numpy as np

from heronry.native import dense_delete, dense_insert
from heronry.replay.core.reserved import CopySpace, grown, reserved
from heronry.replay.core.selector import NO_SLOTS, Draw, Priorities, Probabilities, Slots
from heronry.replay.core.state import State, array_of


class UniformSelector:
    """Chooses any slot with probability 1/n; a dense array, and for each slot its place in it.

    Deleting fills the holes with the last slots: O(1) a slot.
    """

    def __init__(self, capacity: int) -> None:
        self._dense = reserved(capacity, np.uint32)
        self._position = reserved(capacity, np.uint32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def mass(self) -> float:
        return float(self._size)

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        needed = max(self._size + len(slots), int(slots.max(initial=-1)) + 1)
        if needed > len(self._dense):
            self._grow(needed)
        self._size = dense_insert(self._dense, self._position, self._size, slots)

    def put_back(self, slots: Slots, priorities: Priorities) -> None:
        self.insert(slots, priorities)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        """Do nothing: all slots stay alike."""

    def delete(self, slots: Slots) -> None:
        self._size = dense_delete(self._dense, self._position, self._size, slots)

    def draw(self, count: int, rng: np.random.Generator, *, independent: bool = False) -> Draw:
        # `take` with a mode other than `raise` does not look at every index first.
        slots = self._dense.take(rng.integers(0, self._size, count), mode="clip").astype(np.int64)
        return Draw(slots, np.full(count, 1.0 / self._size))

    def choose(self, count: int, rng: np.random.Generator, excluded: Slots = NO_SLOTS) -> Draw:
        left = self._size - len(excluded)
        count = min(count, left)
        if count == 0:
            return Draw(NO_SLOTS, np.zeros(0))
        places = rng.choice(left, count, replace=False)
        if len(excluded):
            # The i-th of those left stands behind as many excluded ones as lie at or before it.
            taken = np.sort(self._position[excluded].astype(np.int64))
            places = places + np.searchsorted(taken - np.arange(len(taken)), places, side="right")
        return Draw(self._dense[places].astype(np.int64), 1.0 / np.arange(left, left - count, -1, dtype=np.float64))

    def probabilities(self, slots: Slots) -> Probabilities:
        return np.full(len(slots), 1.0 / max(self._size, 1))

    def clear(self) -> None:
        self._size = 0

    def state(self, space: CopySpace) -> State:
        return {"order": space.copy(self._dense[: self._size])}

    def restore(self, state: State) -> None:
        self.clear()
        self.insert(array_of(state, "order").astype(np.int64), np.zeros(0, np.float32))

    def _grow(self, count: int) -> None:
        used = len(self._dense)
        self._dense = grown(self._dense, max(count, 2 * used), used)
        self._position = grown(self._position, max(count, 2 * used), used)
