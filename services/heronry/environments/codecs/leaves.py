"""How the parts of an observation become columns of one float32 vector.

Box: its numbers in C order, bytes divided by the largest there may be. Discrete and MultiDiscrete: one-hot, component
after component. MultiBinary: zeros and ones. Text: one-hot characters, position after position, in
the order of the space's character list; zeros past the text's end.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import gymnasium
import numpy as np
import numpy.typing as npt

from heronry.environments.codecs.structure import Space
from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import Array, FloatArray


class Leaf(Protocol):
    """Writes the values of N environments into their columns."""

    size: int

    def write(self, name: str, values: Any, columns: FloatArray) -> None:  # noqa: ANN401 - what environments return
        """Write values `[N, ...]`, or a sequence of N, into `[N, size]` zeros.

        Raises:
          SchemaMismatchError: the space does not hold them.
        """
        ...


class NumbersLeaf:
    """Numbers as they are: of a Box or a MultiBinary."""

    def __init__(self, space: gymnasium.spaces.Box | gymnasium.spaces.MultiBinary) -> None:
        self._shape = tuple(int(n) for n in space.shape)
        self._high = largest_byte(space) if isinstance(space, gymnasium.spaces.Box) else None
        self.size = int(np.prod(self._shape, dtype=np.int64))

    def write(self, name: str, values: Any, columns: FloatArray) -> None:  # noqa: ANN401 - what environments return
        stored = np.dtype(np.float32 if self._high is None else np.uint8)
        columns[:] = as_numbers(name, values, self._shape, stored).reshape(len(columns), self.size)
        if self._high is not None:
            columns *= np.float32(1.0 / self._high)


class ChoicesLeaf:
    """One-hot categories: of a Discrete or a MultiDiscrete."""

    def __init__(self, space: gymnasium.spaces.Discrete | gymnasium.spaces.MultiDiscrete) -> None:
        self._shape = tuple(int(n) for n in space.shape or ())
        counts = [space.n] if isinstance(space, gymnasium.spaces.Discrete) else space.nvec.reshape(-1)
        self._counts: npt.NDArray[np.int64] = np.asarray(counts, np.int64)
        self._start: npt.NDArray[np.int64] = np.asarray(space.start, np.int64).reshape(-1)
        self._offsets = np.concatenate([[0], np.cumsum(self._counts)[:-1]])
        self.size = int(self._counts.sum())

    def write(self, name: str, values: Any, columns: FloatArray) -> None:  # noqa: ANN401 - what environments return
        given = as_numbers(name, values, self._shape, np.dtype(np.int64))
        categories = given.reshape(len(columns), -1).astype(np.int64, copy=False) - self._start
        if np.any(categories < 0) or np.any(categories >= self._counts):
            last = (self._start + self._counts - 1).tolist()
            raise SchemaMismatchError.of(name, given.tolist(), f"{self._start.tolist()} to {last}")
        columns[np.arange(len(columns))[:, np.newaxis], self._offsets + categories] = 1.0


class TextLeaf:
    """One-hot characters of a Text."""

    def __init__(self, space: gymnasium.spaces.Text) -> None:
        self._length = int(space.max_length)
        self._characters = space.character_list
        points = np.array([ord(c) for c in self._characters], np.uint32)
        self._order = np.argsort(points)
        self._points = points[self._order]
        self.size = self._length * len(self._characters)

    def write(self, name: str, values: Any, columns: FloatArray) -> None:  # noqa: ANN401 - what environments return
        texts = [str(value) for value in values]
        longest = max(texts, key=len)
        if len(longest) > self._length:
            raise SchemaMismatchError.of(name, longest, f"at most {self._length} characters")
        points = np.array(texts, f"<U{self._length}").view(np.uint32).reshape(len(texts), self._length)
        found = np.searchsorted(self._points, points).clip(max=len(self._points) - 1)
        is_character = points != 0
        if np.any(is_character & (self._points[found] != points)):
            raise SchemaMismatchError.of(name, texts, f"characters of {''.join(self._characters)!r}")
        lanes, positions = np.nonzero(is_character)
        characters = self._order[found[lanes, positions]]
        columns[lanes, positions * len(self._characters) + characters] = 1.0


def largest_byte(space: gymnasium.spaces.Box) -> int | None:
    """Return the largest value of a box of bytes; None where it is of another type."""
    return (int(space.high.max(initial=0)) or 255) if space.dtype == np.uint8 else None


def leaf_of(space: Space) -> Leaf | None:
    """Return the leaf for a space without parts; None where there is none."""
    if isinstance(space, gymnasium.spaces.Box | gymnasium.spaces.MultiBinary):
        return NumbersLeaf(space)
    if isinstance(space, gymnasium.spaces.Discrete | gymnasium.spaces.MultiDiscrete):
        return ChoicesLeaf(space)
    if isinstance(space, gymnasium.spaces.Text):
        return TextLeaf(space)
    return None


def as_numbers(name: str, values: Sequence[Any] | Array, shape: tuple[int, ...], stored: np.dtype[Any]) -> Array:
    """Return values of N environments as one array `[N, *shape]` that may be stored as `stored`.

    Raises:
      SchemaMismatchError: they have another shape, or a type that would lose its meaning.
    """
    try:
        numbers = np.asarray(values)
    except ValueError:  # shapes that differ
        given = f"shapes {sorted({np.shape(value) for value in values})}"
        raise SchemaMismatchError.of(name, given, f"{stored.name} of shape {shape}") from None
    # Wider bytes would wrap round; reals may lose digits.
    is_storable = numbers.dtype == stored or np.can_cast(
        numbers.dtype, stored, "safe" if stored == np.uint8 else "same_kind"
    )
    # A category may come as an array of one.
    is_shaped = numbers.shape[1:] == shape or (shape == () and numbers.size == len(numbers))
    if is_storable and is_shaped:
        return numbers
    given = f"{numbers.dtype.name} of shape {numbers.shape[1:]}"
    raise SchemaMismatchError.of(name, given, f"{stored.name} of shape {shape}")
