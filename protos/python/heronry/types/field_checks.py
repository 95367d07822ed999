"""Checks of the fields of declarations: what has the wrong type is a named error, as what is out of range."""

import enum
import math
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from heronry.types.errors import InvalidArgumentError

MAX_COUNT: Final = 2**64 - 1
"""The largest count that goes over the wire."""
MAX_SMALL_COUNT: Final = 2**32 - 1
"""The largest count of a field that the wire gives 32 bits."""
MIN_DURATION_S: Final = 1e-9
"""The shortest duration that goes over the wire, which counts nanoseconds."""
MAX_DURATION_S: Final = 1_000_000_000
"""The longest duration of a deadline or a wait, 31 years: gRPC ends calls with far longer ones at once."""


def whole_number(field: str, value: object, minimum: int = 0, maximum: int = MAX_COUNT, note: str = "") -> int:
    """Return `value` as an int; floats, also whole ones, are refused, NumPy's integers are not.

    Args:
      field: its path in the error.
      value: what was given.
      minimum: allowed itself.
      maximum: allowed itself.
      note: added to what the error says is allowed.

    Raises:
      InvalidArgumentError: no whole number, or out of range.
    """
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or not minimum <= int(value) <= maximum:  # type: ignore[call-overload]  # an integer, by the line above
        # The wire's bound is news only to who went over it.
        is_open = maximum == MAX_COUNT and not (is_whole and int(value) > maximum)  # type: ignore[call-overload]  # as above
        limits = f"at least {minimum}" if is_open else f"{minimum} to {maximum}"
        raise InvalidArgumentError.of(field, value, f"a whole number, {limits}{note}")
    return int(value)  # type: ignore[call-overload,no-any-return]  # as above


def finite_number(
    field: str, value: object, is_allowed: Callable[[float], bool] = lambda _: True, allowed: str = "a finite number"
) -> float:
    """Return `value` as a float; raises InvalidArgumentError unless it is a finite number that is allowed."""
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and is_allowed(number):
            return number
    raise InvalidArgumentError.of(field, value, allowed)


def positive_number(field: str, value: object) -> float:
    """Return `value` as a float; raises InvalidArgumentError unless it is a finite number above 0."""
    return finite_number(field, value, lambda number: number > 0, "above 0, finite")


def number_from_zero(field: str, value: object) -> float:
    """Return `value` as a float; raises InvalidArgumentError unless it is a finite number of at least 0."""
    return finite_number(field, value, lambda number: number >= 0, "at least 0, finite")


def share(field: str, value: object) -> float:
    """Return `value` as a float; raises InvalidArgumentError unless it is above 0 and at most 1."""
    return finite_number(field, value, lambda number: 0 < number <= 1, "above 0, at most 1")


def duration(field: str, value: object, minimum: float = MIN_DURATION_S) -> float:
    """Return seconds as a float; raises InvalidArgumentError unless they are `minimum` to the longest duration."""
    is_allowed, allowed = (lambda number: minimum <= number <= MAX_DURATION_S), f"{minimum:g} to {MAX_DURATION_S} s"
    return finite_number(field, value, is_allowed, allowed)


def check_type(field: str, value: object, kind: type, allowed: str = "") -> None:
    """Raise InvalidArgumentError unless `value` is of a type; for an enum the error names its members."""
    if isinstance(value, kind):
        return
    if not allowed and issubclass(kind, enum.Enum):
        allowed = ", ".join(str(member) for member in kind)
    raise InvalidArgumentError.of(field, value, allowed or f"a {kind.__name__}")


def check_choice(field: str, value: object, choices: tuple[type, ...]) -> None:
    """Raise InvalidArgumentError unless `value` is of one of several types; a type itself is none of them."""
    if not isinstance(value, choices):
        raise InvalidArgumentError.of(field, value, f"one of {', '.join(f'{kind.__name__}(...)' for kind in choices)}")


def checked_name(field: str, value: object, allowed: str = "a name, not empty") -> str:
    """Return a name; raises InvalidArgumentError unless it is a string, not empty."""
    if not isinstance(value, str) or not value:
        raise InvalidArgumentError.of(field, value, allowed)
    return value


def checked_names(field: str, value: object) -> tuple[str, ...]:
    """Return a sequence of names as a tuple; raises InvalidArgumentError for anything else, a single name too."""
    # A single name is a sequence of letters.
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidArgumentError.of(field, value, "a sequence of names")
    return tuple(checked_name(field, name, "a sequence of names, none empty") for name in value)


def checked_sequence(field: str, value: object, kind: type) -> tuple[object, ...]:
    """Return a sequence of values of one type as a tuple; raises InvalidArgumentError for anything else."""
    allowed = f"a sequence of {kind.__name__}"
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InvalidArgumentError.of(field, value, allowed)
    made = tuple(value)
    for one in made:
        check_type(field, one, kind, allowed)
    return made
