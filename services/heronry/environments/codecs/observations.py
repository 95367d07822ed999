"""Makes stored observations of what environments return."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np

from heronry.environments.codecs.leaves import Leaf, as_numbers, largest_byte, leaf_of
from heronry.environments.codecs.masks import parts_without_mask
from heronry.environments.codecs.structure import Part, Space, at, name_of
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native import channels_last
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array, FloatArray

_ALLOWED = "Box, Discrete, MultiDiscrete, MultiBinary, Text, and Dict and Tuple of them"


class ObservationCodec:
    """Stores a Box as it is, in float32 or uint8, and anything else as one float32 vector.

    Pictures of bytes that come channels first, as stacked frames do, are stored channels last.

    The parts of a Dict stand in the order of its keys, those of a Tuple in theirs; `leaves.py` says
    how each is written.

    Args:
      space: of one environment.
      action_space: with it, a part `action_mask` that fits it is left out, see `MaskReader`.
    """

    def __init__(self, space: Space, action_space: ActionSpace | None = None) -> None:
        parts = parts_without_mask(space, action_space)
        self._box: Part | None = None
        self._shape: tuple[int, ...] = ()
        self._is_channels_first = False
        self._leaves: list[tuple[Part, Leaf]] = []
        if len(parts) == 1 and isinstance(parts[0].space, gymnasium.spaces.Box):
            self._box = parts[0]
            shape = tuple(int(n) for n in parts[0].space.shape)
            high = largest_byte(parts[0].space)
            self._shape = shape
            self._is_channels_first = high is not None and _is_channels_first(shape)
            stored = (*shape[1:], shape[0]) if self._is_channels_first else shape
            self.space = ObservationSpace(stored) if high is None else ObservationSpace(stored, "uint8", high)
        else:
            self._leaves = [(part, _leaf(part)) for part in parts]
            self.space = ObservationSpace((sum(leaf.size for _, leaf in self._leaves),))
        self._dtype = np.dtype(self.space.element_type)
        self._box_name = name_of("observation", self._box.path if self._box else ())

    def encode(self, observations: Any, num_envs: int | None = None) -> Array:  # noqa: ANN401 - of any environment
        """Return observations of N environments, batched as vector environments do it, as `[N, ...]`.

        It is a copy only where the stored form differs.

        Raises:
          SchemaMismatchError: the space does not hold them.
        """
        try:
            if self._box is not None:
                encoded = self._numbers(at(observations, self._box.path))
            else:
                encoded = self._vectors([at(observations, part.path) for part, _ in self._leaves])
        except (KeyError, IndexError, TypeError) as error:
            raise _misshapen(error) from error
        if num_envs is not None and len(encoded) != num_envs:
            raise SchemaMismatchError.of("observation", f"{len(encoded)} rows", f"{num_envs} rows")
        return encoded

    def encode_each(self, observations: Sequence[Any]) -> Array:
        """Return a list of N observations as `[N, ...]`, an array of its own.

        Raises:
          SchemaMismatchError: the space does not hold them.
        """
        try:
            if self._box is not None:
                path = self._box.path
                return self._numbers([at(o, path) for o in observations] if path else observations)
            return self._vectors([[at(o, part.path) for o in observations] for part, _ in self._leaves])
        except (KeyError, IndexError, TypeError) as error:
            raise _misshapen(error) from error

    def _numbers(self, values: Sequence[Any] | Array) -> Array:
        numbers = as_numbers(self._box_name, values, self._shape, self._dtype).astype(self._dtype, copy=False)
        return channels_last(np.asarray(numbers, np.uint8)) if self._is_channels_first else numbers

    def _vectors(self, values: list[Any]) -> FloatArray:
        columns = np.zeros((len(values[0]), self.space.size), np.float32)
        start = 0
        for (part, leaf), value in zip(self._leaves, values, strict=True):
            leaf.write(name_of("observation", part.path), value, columns[:, start : start + leaf.size])
            start += leaf.size
        return columns


def _is_channels_first(shape: tuple[int, ...]) -> bool:
    """Tell `[channels, height, width]` from `[height, width, channels]`: channels are the fewest."""
    return len(shape) == 3 and shape[0] < min(shape[1:])


def _leaf(part: Part) -> Leaf:
    leaf = leaf_of(part.space)
    if leaf is None:
        field = name_of("environment.observation_space", part.path)
        raise InvalidArgumentError.of(field, str(part.space), _ALLOWED)
    return leaf


def _misshapen(error: Exception) -> SchemaMismatchError:
    problem = f"{type(error).__name__}: {error}"
    return SchemaMismatchError.of("observation", problem, "the parts that the observation space names")
