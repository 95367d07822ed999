"""What every selector of items offers: samplers and removers are one family."""

from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.state import State
from heronry.types.tables import SelectorKind

Slots = npt.NDArray[np.int64]
Priorities = npt.NDArray[np.float32]
Probabilities = npt.NDArray[np.float64]

BY_CHANCE: Final = frozenset({SelectorKind.UNIFORM, SelectorKind.PRIORITIZED})
"""Kinds that draw by the generator; all others have an order."""

NO_SLOTS: Final[Slots] = np.zeros(0, np.int64)


class Draw(NamedTuple):
    """Slots drawn, and the probability of each in its own draw."""

    slots: Slots
    probabilities: Probabilities


class ItemSelector(Protocol):
    """Chooses among the slots it was given; slots are small dense integers, distinct in every call.

    The caller never draws from an empty selector and never deletes what is not there. Drawing changes
    nothing but the generator.
    """

    @property
    def mass(self) -> float:
        """Sum of all weights; the number of slots where all are alike."""
        ...

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        """Add slots, in the order of their insertion."""
        ...

    def put_back(self, slots: Slots, priorities: Priorities) -> None:
        """Add slots that had been taken out, in their former order, before all that are there."""
        ...

    def update(self, slots: Slots, priorities: Priorities) -> None:
        """Change priorities; the last of a repeated slot wins."""
        ...

    def delete(self, slots: Slots) -> None:
        """Remove slots."""
        ...

    def draw(self, count: int, rng: np.random.Generator, *, independent: bool = False) -> Draw:
        """Draw `count` times: a slot may come twice."""
        ...

    def choose(self, count: int, rng: np.random.Generator, excluded: Slots = NO_SLOTS) -> Draw:
        """Draw `count` times one after the other, no slot twice and none of `excluded`; fewer where there are fewer."""
        ...

    def probabilities(self, slots: Slots) -> Probabilities:
        """Return each slot's probability in one draw of all that are there."""
        ...

    def clear(self) -> None:
        """Remove all slots."""
        ...

    def state(self, space: CopySpace) -> State:
        """Return all that `restore` needs, copied into a space: a selector restored draws what this one would."""
        ...

    def restore(self, state: State) -> None:
        """Become what `state` was taken of."""
        ...

    def __len__(self) -> int:
        """Slots held."""
        ...


def without_repeats(slots: Slots) -> Slots:
    """Return the slots that differ, in the order of their first occurrence."""
    if len(slots) < 2:
        return slots
    _, first = np.unique(slots, return_index=True)
    return slots[np.sort(first)]
