"""Fish, submarines, divers and bullets of Seaquest: what moves along a row."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from heronry.native.twins.games.minatar import LAST

_LOWEST_ROW, _MOST_WAIT = 8, 10


@dataclass
class Swimmer:
    """Moves by `run`, 1 or -1, once `until_move` is 0; a submarine shoots once `until_shot` is."""

    x: int
    y: int
    run: int
    until_move: int = 0
    until_shot: int = 0

    def is_at(self, x: int, y: int) -> bool:
        """Return whether this is its cell."""
        return self.x == x and self.y == y

    @property
    def has_left(self) -> bool:
        """Whether it is beyond a side."""
        return not 0 <= self.x <= LAST

    @property
    def is_allowed(self) -> bool:
        """Whether a game can hold it."""
        waits = (self.until_move, self.until_shot)
        is_inside = not self.has_left and 0 <= self.y <= _LOWEST_ROW
        return is_inside and -1 <= self.run <= 1 and min(waits) >= 0 and max(waits) <= _MOST_WAIT


_NAMES = tuple(item.name for item in fields(Swimmer))


@dataclass
class School:
    """Swimmers of a kind, the oldest first."""

    capacity: int
    members: list[Swimmer] = field(default_factory=list)

    def add(self, swimmer: Swimmer) -> None:
        """Take one more; full is a school in states that were loaded only."""
        if len(self.members) < self.capacity:
            self.members.append(swimmer)

    def remove(self, swimmer: Swimmer) -> None:
        """Take one out; by identity, for two may be alike in everything."""
        self.members = [other for other in self.members if other is not swimmer]

    def find(self, x: int, y: int) -> Swimmer | None:
        """Return the oldest one in a cell."""
        return next((swimmer for swimmer in self.members if swimmer.is_at(x, y)), None)

    def newest_first(self) -> Iterator[Swimmer]:
        """Return those that are there now; taking some out meanwhile changes nothing."""
        return reversed(self.members)

    def fields(self) -> dict[str, int]:
        """Return all numbers by name, 0 where nobody is."""
        named = {"count": len(self.members)}
        for i in range(self.capacity):
            words = [getattr(self.members[i], name) for name in _NAMES] if i < len(self.members) else [0] * len(_NAMES)
            named.update({f"{i}_{name}": word for name, word in zip(_NAMES, words, strict=True)})
        return named

    def load(self, words: list[int]) -> bool:
        """Take all numbers from a row; return whether a game can hold them."""
        count, size = words[0], len(_NAMES)
        if not 0 <= count <= self.capacity:
            return False
        self.members = [Swimmer(*words[1 + i * size : 1 + (i + 1) * size]) for i in range(count)]
        return not any(words[1 + count * size :]) and all(swimmer.is_allowed for swimmer in self.members)
