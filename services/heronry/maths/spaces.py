"""Plain descriptions of observation and action spaces; they travel where Gymnasium is not imported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray


@dataclass(frozen=True)
class ObservationSpace:
    """What one environment shows, as it stands in the `observation` column.

    Categories of a Discrete space are one-hot encoded where they leave the environment, so a
    network sees arrays only.

    Attributes:
      shape: of one observation.
      element_type: NumPy name of its storage: `float32`, `uint8`.
    """

    shape: tuple[int, ...]
    element_type: str = "float32"

    @property
    def size(self) -> int:
        """Inputs of a network that gets the flattened observation."""
        return int(np.prod(self.shape, dtype=np.int64))

    def to_dict(self) -> dict[str, object]:
        """Return the description as JSON values."""
        return {"shape": list(self.shape), "element_type": self.element_type}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Read the description from JSON values."""
        return cls(_shape(values["shape"]), str(values["element_type"]))


@dataclass(frozen=True)
class ActionSpace:
    """What one environment accepts: one of `num_actions` choices, or a box of reals.

    Attributes:
      kind: `discrete` or `box`.
      num_actions: choices of a discrete space; 0 for a box.
      shape: of one action of a box.
      low, high: bounds of a box, flattened; infinite where there is none.
    """

    kind: Literal["discrete", "box"]
    num_actions: int = 0
    shape: tuple[int, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def is_continuous(self) -> bool:
        """Whether actions are reals."""
        return self.kind == "box"

    @property
    def size(self) -> int:
        """Outputs of a policy head: choices, or components of an action."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.is_continuous else self.num_actions

    def to_dict(self) -> dict[str, object]:
        """Return the description as JSON values; an unbounded side is None."""
        if not self.is_continuous:
            return {"kind": self.kind, "num_actions": self.num_actions}
        bounds = {name: [b if np.isfinite(b) else None for b in getattr(self, name)] for name in ("low", "high")}
        return {"kind": self.kind, "shape": list(self.shape), **bounds}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """Read the description from JSON values.

        Raises:
          InvalidArgumentError: the kind is not one of the two.
        """
        kind = values.get("kind")
        if kind == "discrete":
            return cls("discrete", num_actions=_integer(values["num_actions"]))
        if kind == "box":
            low, high = _bounds(values["low"], -np.inf), _bounds(values["high"], np.inf)
            return cls("box", shape=_shape(values["shape"]), low=low, high=high)
        raise InvalidArgumentError.of("action_space.kind", kind, "discrete, box")


def flatten_observations(observations: Array, num_leading: int = 1) -> FloatArray:
    """Return observations as network inputs: float32 `[..., size]`, images of bytes scaled to [0, 1].

    Float32 observations are returned as a view.
    """
    leading, size = observations.shape[:num_leading], int(np.prod(observations.shape[num_leading:], dtype=np.int64))
    flat = observations.reshape(*leading, size)
    if flat.dtype == np.uint8:
        return flat.astype(np.float32) * np.float32(1.0 / 255.0)
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
