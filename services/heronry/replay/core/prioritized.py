"""In proportion to priority to a power."""

import numpy as np
import numpy.typing as npt

from heronry.replay.core.selector import Draw, Priorities, Slots
from heronry.replay.core.sum_tree import SumTree

_FIRST_CAPACITY = 256


class PrioritizedSelector:
    """Chooses slot i with probability `w_i / sum w`, `w = priority ** exponent`.

    A priority of 0 has weight 0 even for an exponent of 0. While all weights are 0 every slot is
    equally probable. Draws of one call are stratified: draw k of B falls in the k-th of B equal parts
    of the sum, which leaves every slot's expected count as it is and lowers its variance.

    Source: Schaul et al. 2016, equation 1 and section B.2.1.
    """

    def __init__(self, exponent: float) -> None:
        self._exponent = exponent
        self._tree = SumTree(_FIRST_CAPACITY)
        self._present = np.zeros(self._tree.capacity, np.bool_)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def total(self) -> float:
        """Sum of all weights; the mass by which shards share a batch."""
        return self._tree.total

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        highest = int(slots.max(initial=-1))
        if highest >= self._tree.capacity:
            self._tree.grow(max(highest + 1, 2 * self._tree.capacity))
            self._present = np.concatenate(
                [self._present, np.zeros(self._tree.capacity - len(self._present), np.bool_)]
            )
        self._present[slots] = True
        self._size += len(slots)
        self._tree.set_many(slots, self._weights(priorities))

    def restore(self, slots: Slots, priorities: Priorities) -> None:
        self.insert(slots, priorities)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        self._tree.set_many(slots, self._weights(priorities))

    def delete(self, slots: Slots) -> None:
        self._present[slots] = False
        self._size -= len(slots)
        self._tree.set_many(slots, np.zeros(len(slots)))

    def draw(self, count: int, rng: np.random.Generator) -> Draw:
        total = self._tree.total
        if total <= 0:
            return self._draw_any(count, rng)
        targets = (np.arange(count) + rng.random(count)) * (total / count)
        slots = self._tree.sample_many(targets)
        return Draw(slots, self._tree.weights(slots) / total)

    def take(self, count: int, rng: np.random.Generator) -> Draw:
        draws: list[Draw] = []
        for _ in range(min(count, self._size)):
            one = self.draw(1, rng)
            self.delete(one.slots)
            draws.append(one)
        if not draws:
            return Draw(np.zeros(0, np.int64), np.zeros(0))
        return Draw(np.concatenate([d.slots for d in draws]), np.concatenate([d.probabilities for d in draws]))

    def clear(self) -> None:
        self._tree.clear()
        self._present.fill(False)
        self._size = 0

    def _draw_any(self, count: int, rng: np.random.Generator) -> Draw:
        slots = np.flatnonzero(self._present)[rng.integers(0, self._size, count)]
        return Draw(slots, np.full(count, 1.0 / self._size))

    def _weights(self, priorities: Priorities) -> npt.NDArray[np.float64]:
        weights = np.power(priorities, self._exponent)
        return np.where(priorities > 0, weights, 0.0)
