"""Makes what environments accept of the actions that policies choose."""

from typing import Any

import gymnasium
import numpy as np

from heronry.environments.codecs.action_parts import ChoicesPart, RealsPart, TextPart, part_of
from heronry.environments.codecs.structure import Space, assemble, name_of, parts_of
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array


class ActionCodec:
    """Describes an action space, and decodes the actions chosen in it.

    Discrete is one choice, a Box of reals stays a box. MultiDiscrete, MultiBinary, Text, a Box of
    few integers, and Dict and Tuple of these are several choices at once, in the order of their
    parts. Dict and Tuple of boxes are one box. Choices beside reals are refused.
    """

    def __init__(self, space: Space) -> None:
        self._whole = space
        self._parts = [_part(p.space, name_of("environment.action_space", p.path)) for p in parts_of(space)]
        self.space = _described(space, self._parts)
        self._bounds = np.array(self.space.num_choices, np.int64)
        is_nested = isinstance(space, gymnasium.spaces.Dict | gymnasium.spaces.Tuple)
        self._only = None if is_nested else self._parts[0]

    def encode(self, actions: Array) -> Any:  # noqa: ANN401 - what vector environments accept
        """Return actions `[N, ...]` batched as vector environments take them: within bounds, from their start.

        Raises:
          InvalidArgumentError: the space does not hold them: the policy is another environment's.
        """
        if self._only is None:
            return assemble(self._whole, iter(self._decoded(actions)))
        self._check(actions)
        return self._only.decode(actions.reshape(len(actions), -1))

    def encode_each(self, actions: Array) -> Any:  # noqa: ANN401 - a sequence of what environments accept
        """Return actions `[N, ...]` as a sequence of N.

        Raises:
          InvalidArgumentError: as `encode`.
        """
        if self._only is not None:
            return self.encode(actions)
        decoded = self._decoded(actions)
        return [assemble(self._whole, iter([values[i] for values in decoded])) for i in range(len(actions))]

    def _decoded(self, actions: Array) -> list[Any]:
        self._check(actions)
        columns = actions.reshape(len(actions), -1)
        decoded = []
        start = 0
        for part in self._parts:
            decoded.append(part.decode(columns[:, start : start + part.size]))
            start += part.size
        return decoded

    def _check(self, actions: Array) -> None:
        if actions.shape[1:] != self.space.shape:
            raise InvalidArgumentError.of("action", f"shape {actions.shape[1:]}", f"shape {self.space.shape}")
        if not self.space.is_continuous and actions.size and (actions.min() < 0 or not self._are_below_bounds(actions)):
            last = (self._bounds - 1).tolist()
            raise InvalidArgumentError.of("action", actions.tolist(), f"0 to {last}")

    def _are_below_bounds(self, actions: Array) -> bool:
        if self.space.kind == "discrete":
            # One comparison of a number: this is done in every step.
            return bool(actions.max() < self.space.num_actions)
        return bool(np.less(actions, self._bounds).all())


def _part(space: Space, field: str) -> ChoicesPart | RealsPart | TextPart:
    part = part_of(space)
    if part is None:
        allowed = "Discrete, MultiDiscrete, MultiBinary, Text, Box (of integers: at most 256 values each)"
        raise InvalidArgumentError.of(field, str(space), f"{allowed}, and Dict and Tuple of them")
    return part


def _described(space: Space, parts: list[ChoicesPart | RealsPart | TextPart]) -> ActionSpace:
    if isinstance(space, gymnasium.spaces.Discrete):
        return ActionSpace("discrete", num_actions=int(space.n))
    reals = [part for part in parts if isinstance(part, RealsPart)]
    choices = [part for part in parts if not isinstance(part, RealsPart)]
    if not reals:
        return ActionSpace.of_choices(tuple(n for part in choices for n in part.nvec))
    if choices:
        raise InvalidArgumentError.of("environment.action_space", str(space), "choices only, or reals only")
    low, high = tuple(b for p in reals for b in p.low), tuple(b for p in reals for b in p.high)
    is_one = isinstance(space, gymnasium.spaces.Box)
    return ActionSpace("box", shape=reals[0].shape if is_one else (len(low),), low=low, high=high)
