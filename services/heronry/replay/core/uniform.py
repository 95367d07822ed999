"""Every item with equal probability."""

import numpy as np

from heronry.replay.core.selector import Draw, Priorities, Slots

_FIRST_CAPACITY = 256


class UniformSelector:
    """Chooses any slot with probability 1/n; a dense array, and for each slot its place in it.

    Deleting fills the holes with the last slots: O(1) a slot.
    """

    def __init__(self) -> None:
        self._dense = np.zeros(_FIRST_CAPACITY, np.int64)
        self._position = np.zeros(_FIRST_CAPACITY, np.int64)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        end = self._size + len(slots)
        if end > len(self._dense):
            self._dense = np.resize(self._dense, max(end, 2 * len(self._dense)))
        highest = int(slots.max(initial=-1))
        if highest >= len(self._position):
            self._position = np.resize(self._position, max(highest + 1, 2 * len(self._position)))
        self._dense[self._size : end] = slots
        self._position[slots] = np.arange(self._size, end)
        self._size = end

    def restore(self, slots: Slots, priorities: Priorities) -> None:
        self.insert(slots, priorities)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        """Do nothing: all slots stay alike."""

    def delete(self, slots: Slots) -> None:
        remaining = self._size - len(slots)
        positions = self._position[slots]
        holes = positions[positions < remaining]
        if len(holes):
            tail_alive = np.ones(len(slots), np.bool_)
            tail_alive[positions[positions >= remaining] - remaining] = False
            moved = self._dense[remaining : self._size][tail_alive]
            self._dense[holes] = moved
            self._position[moved] = holes
        self._size = remaining

    def draw(self, count: int, rng: np.random.Generator) -> Draw:
        slots = self._dense[rng.integers(0, self._size, count)]
        return Draw(slots, np.full(count, 1.0 / self._size))

    def take(self, count: int, rng: np.random.Generator) -> Draw:
        count = min(count, self._size)
        slots = self._dense[rng.choice(self._size, count, replace=False)]
        probabilities = 1.0 / np.arange(self._size, self._size - count, -1, dtype=np.float64)
        self.delete(slots)
        return Draw(slots, probabilities)

    def clear(self) -> None:
        self._size = 0
