"""What a plan needs to know of a mechanism."""

from typing import Protocol

from heronry.privacy.accounting.events import Event
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import NeighbourRelation


class Mechanism(Protocol):
    """A way to release sums over a whole run."""

    @property
    def name(self) -> str:
        """As it is written on the command line."""

    @property
    def relations(self) -> tuple[NeighbourRelation, ...]:
        """The relations under which it can be accounted for; the first is the usual one."""

    @property
    def denominator(self) -> float | None:
        """The public number that a sum is divided by; None where it was not told."""

    @property
    def noise_of(self) -> str:
        """Whose noise `noise_on_sum` is."""

    @property
    def holds_when(self) -> str:
        """What must be true for the claim to hold."""

    def event(self, noise_multiplier: float) -> Event:
        """Return all that one unit is charged with in the run."""

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the standard deviation of a coordinate before it is divided, in clipping norms."""


def check_count(field: str, value: int, most: int = 2**53) -> None:
    """Refuse what is no whole number from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidArgumentError.of(field, value, f"a whole number from 1 to {most}")


def check_rate(field: str, value: float) -> None:
    """Refuse what is no probability above 0."""
    if not 0 < value <= 1:
        raise InvalidArgumentError.of(field, value, "above 0, at most 1")
