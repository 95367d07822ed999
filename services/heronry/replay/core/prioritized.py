"""In proportion to priority to a power."""

from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.replay.core.reserved import CopySpace, grown, reserved
from heronry.replay.core.selector import (
    NO_SLOTS,
    Draw,
    Priorities,
    Probabilities,
    Slots,
    without_repeats,
)
from heronry.replay.core.state import State, array_of, float_of
from heronry.replay.core.sum_tree import SumTree, Weights

_NO_DRAW: Final = Draw(NO_SLOTS, np.zeros(0))


class PrioritizedSelector:
    """Chooses slot i with probability `w_i / sum w`, `w = priority ** exponent`.

    A priority of 0 has weight 0 even for an exponent of 0. While all weights are 0 every slot is
    equally probable. Draws of one call are stratified unless they are asked for as independent ones:
    draw k of B falls in the k-th of B equal parts of the sum, which leaves every slot's expected count
    as it is and lowers its variance.

    Source: Schaul et al. 2016, equation 1 and section B.2.1.
    """

    def __init__(self, exponent: float, capacity: int) -> None:
        self._exponent = exponent
        self._tree = SumTree(capacity)
        self._present = reserved(self._tree.capacity, np.bool_)
        self._size = 0
        # One past the highest slot ever held: what lies beyond was never touched.
        self._end = 0
        self._strata = np.zeros(0)

    def __len__(self) -> int:
        return self._size

    @property
    def mass(self) -> float:
        return self._tree.total

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        self._reach(int(slots.max(initial=-1)) + 1)
        self._present[slots] = True
        self._size += len(slots)
        self._tree.set_many(slots, self._weights(priorities))

    def put_back(self, slots: Slots, priorities: Priorities) -> None:
        self.insert(slots, priorities)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        self._tree.set_many(slots, self._weights(priorities))

    def delete(self, slots: Slots) -> None:
        self._present[slots] = False
        self._size -= len(slots)
        self._tree.set_many(slots, np.zeros(len(slots)))

    def set_exponent(self, exponent: float, priorities: Priorities) -> None:
        """Weigh all slots anew; `priorities` are those of all slots, at least up to the highest one held."""
        self._exponent = exponent
        slots = self._slots()
        self._tree.set_many(slots, self._weights(priorities[slots]))

    def draw(self, count: int, rng: np.random.Generator, *, independent: bool = False) -> Draw:
        total = self._tree.total
        if total <= 0:
            slots = self._slots()[rng.integers(0, self._size, count)]
            return Draw(slots, np.full(count, 1.0 / self._size))
        targets = rng.random(count)
        if independent:
            targets *= total
        else:
            targets += self._strata_of(count)
            targets *= total / count
        slots = self._tree.sample_many(targets)
        return Draw(slots, self._tree.weights(slots) / total)

    def choose(self, count: int, rng: np.random.Generator, excluded: Slots = NO_SLOTS) -> Draw:
        count = min(count, self._size - len(excluded))
        if count == 1 and not len(excluded):
            return self.draw(1, rng)
        taken = self._tree.weights(excluded)
        self._tree.clear(excluded)
        parts = [] if count == 0 else [self._choose_weighted(count, rng)]
        missing = count - sum(len(p.slots) for p in parts)
        if missing:
            parts.append(self._choose_any(missing, rng, np.concatenate([excluded, *(p.slots for p in parts)])))
        self._tree.set_many(excluded, taken)
        return Draw(*(np.concatenate(fields) for fields in zip(_NO_DRAW, *parts, strict=True)))

    def probabilities(self, slots: Slots) -> Probabilities:
        total = self._tree.total
        return self._tree.weights(slots) / total if total > 0 else np.full(len(slots), 1.0 / max(self._size, 1))

    def clear(self) -> None:
        slots = self._slots()
        self._tree.clear(slots)
        self._present[slots] = False
        self._size = 0

    def state(self, space: CopySpace) -> State:
        return {
            "exponent": self._exponent,
            "present": space.copy(self._present[: self._end]),
            "weights": space.copy(self._tree.leaves(self._end)),
        }

    def restore(self, state: State) -> None:
        self.clear()
        self._exponent = float_of(state, "exponent")
        present = array_of(state, "present")
        slots = np.flatnonzero(present)
        self._end = 0
        self._reach(len(present))
        self.insert(slots, np.zeros(len(slots), np.float32))
        self._tree.set_many(slots, array_of(state, "weights")[slots].astype(np.float64))

    def _choose_weighted(self, count: int, rng: np.random.Generator) -> Draw:
        """Choose up to `count` of the slots with weight, one after the other.

        To drop what comes again from independent draws is to draw one after the other without
        replacement: each next one falls on the remaining slots in proportion to their weights.
        """
        chosen, weights, totals = [NO_SLOTS], [np.zeros(0)], [np.zeros(0)]
        missing = count
        while missing and (total := self._tree.total) > 0:
            slots = without_repeats(self._tree.sample_many(rng.random(missing) * total))
            drawn = self._tree.weights(slots)
            chosen.append(slots)
            weights.append(drawn)
            totals.append(total - np.concatenate([[0.0], np.cumsum(drawn)[:-1]]))
            self._tree.clear(slots)
            missing -= len(slots)
        slots, drawn = np.concatenate(chosen), np.concatenate(weights)
        self._tree.set_many(slots, drawn)
        return Draw(slots, drawn / np.maximum(np.concatenate(totals), drawn))

    def _choose_any(self, count: int, rng: np.random.Generator, excluded: Slots) -> Draw:
        """Choose among slots none of which has weight."""
        left = self._slots()
        left = left[~np.isin(left, excluded)]
        probabilities = 1.0 / np.arange(len(left), len(left) - count, -1, dtype=np.float64)
        return Draw(left[rng.choice(len(left), count, replace=False)], probabilities)

    def _reach(self, end: int) -> None:
        self._end = max(self._end, end)
        if self._end > self._tree.capacity:
            used = self._tree.capacity
            self._tree.grow(max(self._end, 2 * used))
            self._present = grown(self._present, self._tree.capacity, used)

    def _slots(self) -> Slots:
        return np.flatnonzero(self._present[: self._end])

    def _strata_of(self, count: int) -> Weights:
        if len(self._strata) != count:
            self._strata = np.arange(count, dtype=np.float64)
        return self._strata

    def _weights(self, priorities: Priorities) -> Weights:
        if self._exponent == 0:
            return (priorities > 0).astype(np.float64)
        weights: npt.NDArray[np.float64] = np.power(priorities, self._exponent, dtype=np.float64)
        return weights
