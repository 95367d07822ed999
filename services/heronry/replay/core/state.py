"""The state of a part of a table, as arrays and plain values: what a snapshot holds."""

from typing import cast

import numpy as np

from heronry.types.tensors import Array

State = dict[str, object]
"""By name: arrays, plain values that JSON knows, or the `State` of a part."""


def array_of(state: State, name: str) -> Array:
    """Return an array of a state."""
    return cast("Array", state[name])


def int_of(state: State, name: str) -> int:
    """Return an integer of a state."""
    return cast("int", state[name])


def float_of(state: State, name: str) -> float:
    """Return a number of a state."""
    return float(cast("float", state[name]))


def part_of(state: State, name: str) -> State:
    """Return the state of a part."""
    return cast("State", state[name])


def first_difference(left: object, right: object, path: str = "state") -> str | None:
    """Return where two states differ, or None: arrays differ in type, shape or any bit."""
    if isinstance(left, dict) and isinstance(right, dict):
        if left.keys() != right.keys():
            return f"{path}: {sorted(left)} and {sorted(right)}"
        found = (first_difference(left[k], right[k], f"{path}.{k}") for k in left)
        return next((f for f in found if f is not None), None)
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        found = (first_difference(a, b, f"{path}[{i}]") for i, (a, b) in enumerate(zip(left, right, strict=True)))
        return next((f for f in found if f is not None), None)
    if isinstance(left, list) and isinstance(right, list):
        return first_difference(dict(enumerate(left)), dict(enumerate(right)), path)
    if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        same = left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    else:
        same = type(left) is type(right) and bool(left == right)
    return None if same else f"{path}: {left!r} and {right!r}"
