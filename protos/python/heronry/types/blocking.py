"""How a synchronous core says that it must wait, and what others may now do."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Waiting:
    """Why one side cannot proceed: `term` has `value` and must reach `bound`.

    `needed` is how many calls of the other side that takes at least; 0: that cannot be told.
    """

    side: str
    term: str
    value: float
    bound: float
    waited_s: float = 0.0
    needed: int = 0

    def __str__(self) -> str:
        return f"{self.term} is {self.value:g}, needs {self.limit} {self.bound:g}"

    @property
    def limit(self) -> str:
        """Which side of `bound` is wanted: whoever inserts waits for a term to fall, all others for it to rise."""
        return "at most" if self.side == "insert" else "at least"


class WouldBlock(Exception):
    """Raised by a core call that cannot proceed, or proceed further.

    `condition` names what must change first; a core call that changes it returns the name in
    `Changed.conditions`. `earliest_s` is the core clock's time before which trying is useless,
    where that is known: a lease that runs out. `changed` names the conditions that the call changed
    before it had to wait: the same call again goes on from there. Empty: nothing was changed.
    """

    def __init__(
        self,
        condition: Hashable,
        waiting: Waiting,
        *,
        earliest_s: float | None = None,
        changed: frozenset[Hashable] = frozenset(),
    ) -> None:
        super().__init__(f"{waiting.side} waits: {waiting}")
        self.condition = condition
        self.waiting = waiting
        self.earliest_s = earliest_s
        self.changed = changed


@dataclass(frozen=True)
class Changed(Generic[T_co]):
    """A core call's result with the conditions it changed; the shell wakes their waiters."""

    value: T_co
    conditions: frozenset[Hashable] = field(default_factory=frozenset)
