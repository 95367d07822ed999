"""What the five MinAtar games share: ten by ten cells, six actions, actions that stick.

Rules: Young and Tian 2019, and the games' descriptions beside it.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from heronry.native.arrays import Bytes, Flags
from heronry.native.twins.games.cells import SIDE, Colour, paint_cell
from heronry.native.twins.games.one_by_one import Outcome, Stream

SIZE = 10
LAST = SIZE - 1
FULL_ROW = (1 << SIZE) - 1
NOOP, LEFT, UP, RIGHT, DOWN, FIRE = range(6)
FRAME_SHAPE = (SIDE, SIDE, 3)
_BACKGROUND, _EMPTY = (20, 24, 33), (29, 34, 46)
_BITS = np.array([[bits >> x & 1 for x in range(SIZE)] for bits in range(FULL_ROW + 1)], np.uint8)


class Turn(NamedTuple):
    """What a step of a MinAtar game brought."""

    reward: int
    terminated: bool


class Part(Protocol):
    """A part of a state that is more than a number or a list of them."""

    def fields(self) -> dict[str, int]:
        """Return its numbers by name."""
        ...

    def load(self, words: list[int]) -> bool:
        """Take all numbers from a row; return whether the game can be in that state."""
        ...


@dataclasses.dataclass
class State:
    """Whole numbers, lists of them and parts, in the order in which they are saved.

    Attributes:
      bounds: of numbers, what the game can be in.
    """

    bounds: ClassVar[Mapping[str, tuple[int, int]]]

    last_action: int = NOOP

    def fields(self) -> dict[str, int]:
        """Return all numbers by name."""
        named: dict[str, int] = {}
        for name, value in self._values():
            if isinstance(value, int):
                named[name] = value
            else:
                items = enumerate(value) if isinstance(value, list) else value.fields().items()
                named.update({f"{name}_{key}": word for key, word in items})
        return named

    def load(self, words: list[int]) -> bool:
        """Take all numbers from a row; return whether the game can be in that state."""
        first, allowed = 0, True
        for name, value in self._values():
            count = 1 if isinstance(value, int) else len(value) if isinstance(value, list) else len(value.fields())
            taken = words[first : first + count]
            first += count
            if isinstance(value, (int, list)):
                setattr(self, name, taken[0] if isinstance(value, int) else taken)
                low, high = self.bounds.get(name, (NOOP, FIRE))
                allowed &= low <= min(taken) and max(taken) <= high
            else:
                allowed &= value.load(taken)
        return allowed

    def _values(self) -> list[tuple[str, int | list[int] | Part]]:
        return [(field.name, getattr(self, field.name)) for field in dataclasses.fields(self)]


StateT = TypeVar("StateT", bound=State)


class MinAtar(ABC, Generic[StateT]):
    """The rules of one game; a step is `advance` by the action that sticky actions leave.

    Attributes:
      actions: those that do something.
      colours: what a channel looks like, from the back to the front.
    """

    state_type: Callable[[], StateT]
    num_channels: ClassVar[int]
    actions: ClassVar[tuple[int, ...]]
    colours: ClassVar[Mapping[int, Colour]]

    def __init__(self, options: Mapping[str, float], has_all_actions: bool) -> None:
        self._stickiness = options["sticky_action_probability"]
        self.is_ramping = bool(options["difficulty_ramping"])
        self._choices = tuple(range(FIRE + 1)) if has_all_actions else self.actions

    def new_state(self) -> StateT:
        """Return the state before the first draw."""
        return self.state_type()

    @abstractmethod
    def begin(self, state: StateT, random: Stream) -> None:
        """Make of a new state an episode's first."""

    @abstractmethod
    def advance(self, state: StateT, action: int, random: Stream) -> Turn:
        """Play one step, sticky actions apart."""

    @abstractmethod
    def show(self, state: StateT, out: Bytes) -> None:
        """Set the cells `[10, 10, channels]` that hold something; the others are 0 already."""

    def step(self, state: StateT, actions: Sequence[int], random: Stream) -> Outcome:
        """Play one step; by chance with the action of the step before."""
        if random.uniform() >= self._stickiness:
            state.last_action = self._choices[actions[0]]
        turn = self.advance(state, state.last_action, random)
        return Outcome((turn.reward,), turn.terminated)

    def observe(self, state: StateT) -> Bytes:
        """Return what the player sees, `[1, 10, 10, channels]`."""
        out = np.zeros((1, SIZE, SIZE, self.num_channels), np.uint8)
        self.show(state, out[0])
        return out

    def mask(self, state: StateT) -> Flags:
        """Allow everything."""
        del state
        return np.ones((1, len(self._choices)), np.bool_)

    def words(self, state: StateT) -> list[int]:
        """Return the state as whole numbers."""
        return list(state.fields().values())

    def state_of(self, words: list[int]) -> StateT:
        """Return the state of these numbers.

        Raises:
          ValueError: a state that the game cannot be in.
        """
        state = self.new_state()
        if not state.load(words):
            raise ValueError("a state that the game cannot be in")
        return state

    def draw(self, state: StateT, frame: Bytes) -> None:
        """Paint every cell in the colour of what is foremost there."""
        shown = self.observe(state)[0]
        frame[:] = _BACKGROUND
        for y, x in np.ndindex(SIZE, SIZE):
            colours = [colour for channel, colour in self.colours.items() if shown[y, x, channel]]
            paint_cell(frame, SIZE, x, y, colours[-1] if colours else _EMPTY)


def put_rows(channel: Bytes, first: int, rows: list[int]) -> None:
    """Set the cells of rows `first` and on whose bits are set, the lowest bit at the left."""
    channel[first : first + len(rows)] = _BITS[rows]
