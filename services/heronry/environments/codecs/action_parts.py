"""The parts of an action: how many choices or reals each is, and how they are executed."""

from typing import Any

import gymnasium
import numpy as np

from heronry.environments.codecs.structure import Space
from heronry.native import bounded
from heronry.native.arrays import Vector
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array

_REALS = "fd"
"""Characters of the types that are executed without a copy."""
_MAX_INTEGERS = 256
"""Values of a component of a Box of integers, above which it is not a choice among them."""


class ChoicesPart:
    """Integers in a range each, `nvec` values counted from `start`.

    Args:
      nvec: of the components in C order.
      start: the least value of each.
      shape, dtype: of the action that is executed.
    """

    def __init__(self, nvec: Array, start: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.nvec = tuple(int(n) for n in nvec.reshape(-1))
        self.size = len(self.nvec)
        self._start = start.reshape(-1).astype(np.int64)
        self._is_offset = bool(self._start.any())
        self._shape = shape
        self._dtype = dtype

    def decode(self, columns: Array) -> Array:
        """Return the actions `[N, *shape]` of choices `[N, size]`."""
        values = np.asarray(columns, np.int64)
        moved = values + self._start if self._is_offset else values
        return moved.reshape(len(columns), *self._shape).astype(self._dtype, copy=False)


class RealsPart:
    """A box of reals; what lies outside is clipped."""

    def __init__(self, space: gymnasium.spaces.Box) -> None:
        self._space = space
        self.shape = tuple(int(n) for n in space.shape)
        self.low, self.high = (tuple(float(b) for b in bound.reshape(-1)) for bound in (space.low, space.high))
        self._least, self._most = np.array(self.low), np.array(self.high)
        self._stored = np.float32 if space.dtype == np.float32 else np.float64
        self.size = len(self.low)

    def decode(self, columns: Array) -> Array:
        """Return the actions `[N, *shape]` of reals `[N, size]`.

        Raises:
          InvalidArgumentError: some are not finite.
        """
        reals: Vector = columns if columns.dtype.char in _REALS else columns.astype(np.float64)  # type: ignore[assignment] # of such
        actions, wrong = bounded(reals, self._least, self._most, self._stored)
        if wrong >= 0:
            raise InvalidArgumentError.of(f"action[{wrong}]", columns[wrong].tolist(), "finite numbers")
        return actions.reshape(len(columns), *self.shape).astype(self._space.dtype, copy=False)


class TextPart:
    """One choice a position: a character, or past the least length the last choice, which ends the text."""

    def __init__(self, space: gymnasium.spaces.Text) -> None:
        self._characters = space.character_list
        least, most = int(space.min_length), int(space.max_length)
        self.nvec = tuple(len(self._characters) + (i >= least) for i in range(most))
        self.size = most

    def decode(self, columns: Array) -> tuple[str, ...]:
        """Return the texts of choices `[N, size]`."""
        return tuple(self._text(row) for row in columns.tolist())

    def _text(self, choices: list[int]) -> str:
        end = len(self._characters)
        length = choices.index(end) if end in choices else len(choices)
        return "".join(self._characters[c] for c in choices[:length])


def part_of(space: Space) -> ChoicesPart | RealsPart | TextPart | None:
    """Return the part for a space that is not composite; None where there is none."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return ChoicesPart(np.array([space.n]), np.array([space.start]), (), np.dtype(np.int64))
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return ChoicesPart(space.nvec, np.asarray(space.start), space.nvec.shape, np.dtype(space.dtype))
    if isinstance(space, gymnasium.spaces.MultiBinary):
        shape = tuple(int(n) for n in space.shape)
        return ChoicesPart(np.full(shape, 2), np.zeros(shape), shape, np.dtype(space.dtype))
    if isinstance(space, gymnasium.spaces.Text):
        return TextPart(space)
    return _box_part(space) if isinstance(space, gymnasium.spaces.Box) else None


def _box_part(space: gymnasium.spaces.Box) -> ChoicesPart | RealsPart | None:
    if np.issubdtype(space.dtype, np.floating):
        return RealsPart(space)
    low, high = space.low.astype(np.int64), space.high.astype(np.int64)
    nvec = high - low + 1
    # An unbounded side is the least or largest integer, whose difference may wrap round.
    if not space.is_bounded() or np.any(nvec > _MAX_INTEGERS) or np.any(nvec < 1):
        return None
    return ChoicesPart(nvec, low, tuple(int(n) for n in space.shape), np.dtype(space.dtype))
