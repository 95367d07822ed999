"""How often each service has begun one run."""

from collections.abc import Mapping
from typing import Any


class Starts:
    """Numbers the starts of services in a run, from 1; an instance never gets a number twice.

    A start is counted once for each incarnation in each stretch of the run. When the numbers are
    `shared`, all services have the highest one: whoever begins anew takes the others with it.
    """

    def __init__(self, state: Mapping[str, Any] | None = None, *, shared: bool = False) -> None:
        state = state or {}
        self._shared = shared
        self._numbers: dict[str, int] = dict(state.get("numbers", {}))
        self._incarnations: dict[str, int] = dict(state.get("incarnations", {}))
        self._least = int(state.get("least", 1))

    def count(self, instance: str, incarnation: int) -> bool:
        """Note that an incarnation takes part; returns whether that is a start not counted yet."""
        known = self._incarnations.get(instance)
        if known == incarnation:
            return False
        self._incarnations[instance] = incarnation
        if self._shared:
            # One that joins begins with the others; one that comes back has them begin with it.
            self._numbers[instance] = self._highest + (known is not None)
        else:
            self._numbers[instance] = self._numbers.get(instance, 0) + 1
        return True

    def number(self, instance: str) -> int:
        """Return the number of an instance's last start; 0 before the first."""
        return self._highest if self._shared else self._numbers.get(instance, 0)

    def numbers(self) -> tuple[tuple[str, int], ...]:
        """Return all numbers by instance, sorted."""
        return tuple((instance, self.number(instance)) for instance in sorted(self._numbers))

    def next_stretch(self, *, shared: bool) -> "Starts":
        """Return the numbers as the run goes on after it had ended: everybody starts once more."""
        return Starts({"numbers": self._numbers, "least": self._highest + 1}, shared=shared)

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"numbers": dict(self._numbers), "incarnations": dict(self._incarnations), "least": self._least}

    @property
    def _highest(self) -> int:
        return max([self._least, *self._numbers.values()])
