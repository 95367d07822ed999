"""Plain descriptions of observation and action spaces; they travel where Gymnasium is not imported."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

_ANY_BYTE = 255


@dataclass(frozen=True)
class ObservationSpace:
    """What one environment shows, as it stands in the `observation` column.

    Categories are one-hot encoded and composite observations flattened where they leave the
    environment, so a network sees one array: float32, or uint8 for images.

    Attributes:
      shape: of one observation.
      element_type: NumPy name of its storage: `float32`, `uint8`.
      high: the largest byte that is shown, for networks to scale bytes by: 1 for pictures of flags,
        which would reach a network as 1/255 otherwise. Means nothing for `float32`.
    """

    shape: tuple[int, ...]
    element_type: str = "float32"
    high: int = 255

    @property
    def size(self) -> int:
        """Inputs of a network that gets the flattened observation."""
        return int(np.prod(self.shape, dtype=np.int64))

    def to_dict(self) -> dict[str, object]:
        """Return the description as JSON values; the usual `high` is left out."""
        high = {} if self.high == _ANY_BYTE else {"high": self.high}
        return {"shape": list(self.shape), "element_type": self.element_type, **high}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Read the description from JSON values."""
        return cls(_shape(values["shape"]), str(values["element_type"]), _integer(values.get("high", _ANY_BYTE)))


@dataclass(frozen=True)
class ActionSpace:
    """What one environment accepts: one choice, several choices at once, or a box of reals.

    Attributes:
      kind: `discrete`, `multi_discrete` or `box`.
      num_actions: choices of a discrete space; 0 for others.
      nvec: choices of each component of a multi-discrete space; empty for others.
      shape: of one action of a box; `(len(nvec),)` for several choices.
      low, high: bounds of a box, flattened; infinite where there is none.
      is_masked: whether the environment tells which choices are allowed, step by step.
    """

    kind: Literal["discrete", "multi_discrete", "box"]
    num_actions: int = 0
    shape: tuple[int, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    nvec: tuple[int, ...] = ()
    is_masked: bool = False

    @classmethod
    def of_choices(cls, nvec: tuple[int, ...], *, is_masked: bool = False) -> Self:
        """Return the space of several choices at once."""
        return cls("multi_discrete", shape=(len(nvec),), nvec=nvec, is_masked=is_masked)

    def with_mask(self, *, is_masked: bool) -> "ActionSpace":
        """Return the same space of an environment that tells, or does not tell, which choices are allowed."""
        return self if is_masked == self.is_masked else dataclasses.replace(self, is_masked=is_masked)

    @property
    def is_continuous(self) -> bool:
        """Whether actions are reals."""
        return self.kind == "box"

    @property
    def num_choices(self) -> tuple[int, ...]:
        """Choices of each component: one for a discrete space, none for a box."""
        return (self.num_actions,) if self.kind == "discrete" else self.nvec

    @property
    def num_logits(self) -> int:
        """Choices of all components together, as many as a row of an action mask has; 0 for a box."""
        return sum(self.num_choices)

    @property
    def size(self) -> int:
        """Outputs of a policy head: logits of all choices, or components of an action."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.is_continuous else self.num_logits

    def to_dict(self) -> dict[str, object]:
        """Return the description as JSON values; an unbounded side is None."""
        if self.is_continuous:
            bounds = {name: [b if np.isfinite(b) else None for b in getattr(self, name)] for name in ("low", "high")}
            return {"kind": self.kind, "shape": list(self.shape), **bounds}
        masked = {"is_masked": True} if self.is_masked else {}
        if self.kind == "discrete":
            return {"kind": self.kind, "num_actions": self.num_actions, **masked}
        return {"kind": self.kind, "nvec": list(self.nvec), **masked}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Read the description from JSON values.

        Raises:
          InvalidArgumentError: the kind is none of the three.
        """
        kind, is_masked = values.get("kind"), bool(values.get("is_masked", False))
        if kind == "discrete":
            return cls("discrete", num_actions=_integer(values["num_actions"]), is_masked=is_masked)
        if kind == "multi_discrete":
            return cls.of_choices(_shape(values["nvec"]), is_masked=is_masked)
        if kind == "box":
            low, high = _bounds(values["low"], -np.inf), _bounds(values["high"], np.inf)
            return cls("box", shape=_shape(values["shape"]), low=low, high=high)
        raise InvalidArgumentError.of("action_space.kind", kind, "discrete, multi_discrete, box")


def flatten_observations(observations: Array, num_leading: int = 1, high: int = _ANY_BYTE) -> FloatArray:
    """Return observations as network inputs: float32 `[..., size]`, bytes up to `high` scaled to [0, 1].

    Float32 observations are returned as a view.
    """
    leading, size = observations.shape[:num_leading], int(np.prod(observations.shape[num_leading:], dtype=np.int64))
    flat = observations.reshape(*leading, size)
    if flat.dtype == np.uint8:
        return flat.astype(np.float32) * np.float32(1.0 / high)
    return flat.astype(np.float32, copy=False)


def _integer(value: object) -> int:
    return int(value)  # type: ignore[call-overload,no-any-return]  # JSON numbers


def _shape(values: object) -> tuple[int, ...]:
    return tuple(_integer(v) for v in _sequence(values))


def _bounds(values: object, unbounded: float) -> tuple[float, ...]:
    return tuple(unbounded if v is None else float(v) for v in _sequence(values))  # type: ignore[arg-type]  # JSON numbers


def _sequence(values: object) -> Sequence[object]:
    if not isinstance(values, Sequence):
        raise InvalidArgumentError.of("space", values, "a list of numbers")
    return values
