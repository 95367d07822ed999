"""First in, first out."""

import numpy as np

from heronry.replay.core.insertion_order import InsertionOrder
from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.selector import NO_SLOTS, Draw, Priorities, Probabilities, Slots
from heronry.replay.core.state import State, array_of


class FifoSelector:
    """Chooses the oldest insertion; priorities have no effect."""

    def __init__(self, capacity: int) -> None:
        self._order = InsertionOrder(capacity)

    def __len__(self) -> int:
        return len(self._order)

    @property
    def mass(self) -> float:
        return float(len(self._order))

    def insert(self, slots: Slots, priorities: Priorities) -> None:
        self._order.append(slots)

    def put_back(self, slots: Slots, priorities: Priorities) -> None:
        self._order.prepend(slots)

    def update(self, slots: Slots, priorities: Priorities) -> None:
        """Do nothing: the order of insertion stays."""

    def delete(self, slots: Slots) -> None:
        self._order.delete(slots)

    def draw(self, count: int, rng: np.random.Generator, *, independent: bool = False) -> Draw:
        return Draw(np.repeat(self._order.oldest(1), count), np.ones(count))

    def choose(self, count: int, rng: np.random.Generator, excluded: Slots = NO_SLOTS) -> Draw:
        slots = self._order.oldest(count + len(excluded))
        if len(excluded):
            slots = slots[~np.isin(slots, excluded)][:count]
        return Draw(slots, np.ones(len(slots)))

    def probabilities(self, slots: Slots) -> Probabilities:
        return (slots == self._order.oldest(1)).astype(np.float64) if len(self) else np.zeros(len(slots))

    def clear(self) -> None:
        self._order.clear()

    def state(self, space: CopySpace) -> State:
        return {"order": self._order.all(space)}

    def restore(self, state: State) -> None:
        self.clear()
        self._order.append(array_of(state, "order").astype(np.int64))
