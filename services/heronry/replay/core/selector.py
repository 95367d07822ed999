"""What every selector of items offers: samplers and removers are one family."""

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Slots = npt.NDArray[np.int64]
Priorities = npt.NDArray[np.float64]


class Draw(NamedTuple):
    """Slots drawn, and the probability of each in its own draw."""

    slots: Slots
    probabilities: npt.NDArray[np.float64]


class ItemSelector(Protocol):
    """Chooses among the slots it was given; slots are small dense integers, distinct in every call.

    The caller never draws from an empty selector and never deletes what is not there.
    """

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        """Add slots, in the order of their insertion."""
        ...

    def restore(self, slots: Slots, priorities: Priorities) -> None:
        """Add slots that had been taken out, in their former order, before all that are there."""
        ...

    def update(self, slots: Slots, priorities: Priorities) -> None:
        """Change priorities; the last of a repeated slot wins."""
        ...

    def delete(self, slots: Slots) -> None:
        """Remove slots."""
        ...

    def draw(self, count: int, rng: np.random.Generator) -> Draw:
        """Draw `count` times and leave all in place: a slot may come twice."""
        ...

    def take(self, count: int, rng: np.random.Generator) -> Draw:
        """Draw and remove, `count` times one after the other; at most as many as there are."""
        ...

    def clear(self) -> None:
        """Remove all slots."""
        ...

    def __len__(self) -> int:
        """Slots held."""
        ...
