"""What readers and workers wait for, by name."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Final

from heronry.types.blocking import Waiting, WouldBlock

Conditions = frozenset[Hashable]
NOTHING: Final[Conditions] = frozenset()

_MOST_REMEMBERED = 8192


def model_condition(name: str) -> Hashable:
    """The model is registered."""
    return "model", name


def number_condition(name: str, number: int) -> Hashable:
    """The version of a number is published.

    Numbers rise by one, so everybody behind a number in line may proceed.
    """
    return "version", name, number


def tag_condition(name: str, tag: str) -> Hashable:
    """A tag is given or moved."""
    return "tag", name, tag


def round_condition(name: str, round_id: int) -> Hashable:
    """A round is open."""
    return "round", name, round_id


def news_condition(name: str) -> Hashable:
    """A round has closed, or the settings have changed."""
    return "news", name


def invitation_condition(name: str, client_id: str) -> Hashable:
    """A worker is drawn for a round.

    One condition a worker: in a queue of many, the first that was not drawn would hold up the others.
    """
    return "invitation", name, client_id


def slowest_condition(name: str, clock: int) -> Hashable:
    """The slowest worker's clock has reached a value."""
    return "slowest", name, clock


def waits(
    condition: Hashable, side: str, term: str, value: float, bound: float, earliest_s: float | None = None
) -> WouldBlock:
    """Return the exception that makes a caller wait."""
    return WouldBlock(condition, Waiting(side, term, value, bound), earliest_s=earliest_s)


class Awaited:
    """The conditions of a model that somebody may wait for: all change when the model goes.

    Bounded: whoever waits for one that was forgotten learns at its deadline that the model is gone.
    """

    def __init__(self) -> None:
        self._conditions: OrderedDict[Hashable, None] = OrderedDict()

    def add(self, condition: Hashable) -> None:
        """Remember a condition that somebody was told to wait for."""
        self._conditions[condition] = None
        self._conditions.move_to_end(condition)
        while len(self._conditions) > _MOST_REMEMBERED:
            self._conditions.popitem(last=False)

    def remove(self, conditions: Iterable[Hashable]) -> None:
        """Forget conditions that have changed."""
        for condition in conditions:
            self._conditions.pop(condition, None)

    def all(self) -> Conditions:
        """Return everything remembered."""
        return frozenset(self._conditions)
