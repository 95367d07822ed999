"""Spaces and values of a simulator as JSON; docs/environments.md describes them for its author."""

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces

from heronry.environments.isolated.simulator import SimulatorError
from heronry.types.tensors import Array

# What a space holds is its own affair; the codecs give it a type.
Space = gymnasium.Space[Any]
Json = Any


def read_space(description: Mapping[str, Json]) -> Space:
    """Return the space of `{"kind": "box", ...}`.

    Raises:
      SimulatorError: the description is of no known kind, or lacks a field.
    """
    kind = str(description.get("kind")) if isinstance(description, Mapping) else ""
    if kind not in _READERS:
        raise SimulatorError(f"space {description!r}: kind must be one of {', '.join(_READERS)}")
    try:
        return _READERS[kind](description)
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise SimulatorError(f"space {description!r}: {type(error).__name__}: {error}") from error


def read_value(space: Space, value: Json) -> Any:  # noqa: ANN401 - what the space holds
    """Return what the space holds of its JSON form; arrays may be `{"base64": ...}` in row-major order.

    Raises:
      SimulatorError: shape or type do not fit.
    """
    if isinstance(space, spaces.Dict):
        return {name: read_value(part, value[name]) for name, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(read_value(part, v) for part, v in zip(space.spaces, value, strict=True))
    if isinstance(space, spaces.Text):
        return str(value)
    if isinstance(space, spaces.Discrete):
        return int(value)
    array = _array(value, np.dtype(space.dtype))
    if array.shape != space.shape:
        raise SimulatorError(f"observation of shape {array.shape}, announced was {space.shape}")
    return array


def action_to_json(action: object) -> Json:
    """Return a number, or lists of numbers."""
    return np.asarray(action).tolist()


def _array(value: Json, element_type: "np.dtype[Any]") -> Array:
    if isinstance(value, Mapping):
        flat = np.frombuffer(base64.b64decode(value["base64"]), element_type.newbyteorder("<"))
        array: Array = flat.astype(element_type).reshape(value["shape"])
        return array
    return np.asarray(value, element_type)


def _box(description: Mapping[str, Json]) -> Space:
    shape = tuple(description["shape"])
    low = _bound(description.get("low"), -math.inf, shape)
    high = _bound(description.get("high"), math.inf, shape)
    element_type = np.dtype(description.get("element_type", "float32"))
    if element_type.kind in "iu":
        limits = np.iinfo(element_type.name)
        low, high = np.clip(low, limits.min, limits.max), np.clip(high, limits.min, limits.max)
    return spaces.Box(low.astype(element_type), high.astype(element_type), shape, element_type.type)


def _bound(value: Json, unbounded: float, shape: tuple[int, ...]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return an array of bounds: of one number, of one a component, or of none."""
    if isinstance(value, list):
        return np.array([unbounded if v is None else v for v in value], np.float64).reshape(shape)
    return np.full(shape, unbounded if value is None else value, np.float64)


_READERS: Final[Mapping[str, Callable[[Mapping[str, Json]], Space]]] = {
    "box": _box,
    "discrete": lambda d: spaces.Discrete(int(d["n"]), start=int(d.get("start", 0))),
    "multi_discrete": lambda d: spaces.MultiDiscrete(d["nvec"]),
    "multi_binary": lambda d: spaces.MultiBinary(int(d["n"])),
    "text": lambda d: spaces.Text(int(d["max_length"])),
    "dict": lambda d: spaces.Dict({name: read_space(part) for name, part in d["spaces"].items()}),
    "tuple": lambda d: spaces.Tuple([read_space(part) for part in d["spaces"]]),
}
