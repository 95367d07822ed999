"""Checks of priorities, ends and slices that writers hand over."""

import math

import numpy as np
import numpy.typing as npt

from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import ItemSlices
from heronry.types.version import ParameterVersion

_MAX_ITEMS = 65_536
_ALLOWED = "finite and at least 0"


def check_one_kind(priority: float | None, priorities: npt.ArrayLike | None) -> None:
    """Raise InvalidArgumentError when a block is given one priority and several."""
    if priority is not None and priorities is not None:
        raise InvalidArgumentError.of("priority", priority, "None beside `priorities`")


def checked_priority(field: str, value: float | None) -> float | None:
    """Return a priority.

    Raises:
      InvalidArgumentError: it is negative, infinite, not a number, or no number at all.
    """
    if value is None:
        return None
    try:
        priority = float(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError.of(field, value, _ALLOWED) from None
    if not 0 <= priority < math.inf:
        raise InvalidArgumentError.of(field, value, _ALLOWED)
    return priority


def checked_priorities(
    field: str, values: npt.ArrayLike | None, shape: tuple[int, ...]
) -> npt.NDArray[np.float64] | None:
    """Return priorities of that shape as float64.

    Raises:
      InvalidArgumentError: another shape, or a value that is negative, infinite or not a number.
    """
    if values is None:
        return None
    array = _array(field, values, np.float64)
    if array.shape != shape:
        raise InvalidArgumentError.of(f"{field}.shape", array.shape, str(shape))
    check_values(field, array)
    return array


def check_values(field: str, priorities: npt.NDArray[np.float64]) -> None:
    """Raise InvalidArgumentError unless all priorities are finite and at least 0."""
    # A NaN is the least and the greatest of any values that it is among.
    if priorities.size and not (priorities.min() >= 0 and priorities.max() < math.inf):
        wrong = int(np.flatnonzero(~(np.isfinite(priorities) & (priorities >= 0)))[0])
        raise InvalidArgumentError.of(f"{field}[{wrong}]", float(priorities.reshape(-1)[wrong]), _ALLOWED)


def checked_ends(field: str, values: npt.ArrayLike | None, num_lanes: int) -> npt.NDArray[np.bool_] | None:
    """Return which lanes end, `[N]`.

    Raises:
      InvalidArgumentError: another shape, or values that are not true or false.
    """
    if values is None:
        return None
    array = np.asarray(values)
    if array.dtype != np.bool_ or array.shape != (num_lanes,):
        raise InvalidArgumentError.of(field, f"{array.dtype}{list(array.shape)}", f"bool[{num_lanes}]")
    return array


def checked_slices(
    lanes: npt.ArrayLike,
    starts: npt.ArrayLike,
    lengths: npt.ArrayLike,
    priorities: npt.ArrayLike | None,
    version: ParameterVersion,
    positions: npt.NDArray[np.uint64],
) -> ItemSlices:
    """Return items over slices of lanes of which `positions` steps were appended.

    Raises:
      InvalidArgumentError: names the first item that is wrong.
    """
    lane, start, length = (_whole(f, v) for f, v in (("lanes", lanes), ("starts", starts), ("lengths", lengths)))
    num_items = len(lane)
    if not 1 <= num_items <= _MAX_ITEMS:
        raise InvalidArgumentError.of("lanes", f"{num_items} items", f"1 to {_MAX_ITEMS}")
    for field, array in (("starts", start), ("lengths", length)):
        if len(array) != num_items:
            raise InvalidArgumentError.of(field, f"{len(array)} values", f"{num_items}, one for each item")
    _check_range("lanes", lane, 0, np.full(num_items, len(positions) - 1))
    _check_range("lengths", length, 1, np.full(num_items, np.iinfo(np.uint32).max))
    _check_range("starts", start, 0, positions[lane].astype(np.int64) - length)
    return ItemSlices(
        0,
        lane.astype(np.uint32),
        start.astype(np.uint64),
        length.astype(np.uint32),
        version,
        checked_priorities("priorities", priorities, (num_items,)),
    )


def _check_range(field: str, values: npt.NDArray[np.int64], least: int, most: npt.NDArray[np.int64]) -> None:
    wrong = (values < least) | (values > most)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        allowed = f"{least} to {most[at]}" if most[at] >= least else "a slice of steps that were appended"
        raise InvalidArgumentError.of(f"{field}[{at}]", int(values[at]), allowed)


def _whole(field: str, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidArgumentError.of(field, f"{array.dtype}{list(array.shape)}", "whole numbers, [K]")
    return array.astype(np.int64)


def _array(field: str, values: npt.ArrayLike, dtype: type[np.float64]) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(values, dtype)
    except (TypeError, ValueError):
        raise InvalidArgumentError.of(field, type(values).__name__, "numbers") from None
