"""The range of priorities, and the priority of items that come without one."""

import numpy as np
import numpy.typing as npt

from heronry.replay.core.selector import Priorities
from heronry.types.errors import InvalidArgumentError

# As float32 holds them; with the largest exponent, the sum over all slots stays finite.
MAX_PRIORITY = float(np.finfo(np.float32).max)
MAX_EXPONENT = 4.0
_ALLOWED = f"finite, 0 to {MAX_PRIORITY:.2g}"


def checked_priorities(priorities: npt.NDArray[np.float64], field: str = "priorities") -> Priorities:
    """Return the priorities as items hold them, in float32.

    Raises:
      InvalidArgumentError: one is NaN, infinite, negative or too large; names the first.
    """
    # A NaN makes the least value NaN, for which no comparison holds.
    if len(priorities) and not (priorities.min() >= 0 and priorities.max() <= MAX_PRIORITY):
        index = int((~((priorities >= 0) & (priorities <= MAX_PRIORITY))).argmax())
        raise InvalidArgumentError.of(f"{field}[{index}]", float(priorities[index]), _ALLOWED)
    return priorities.astype(np.float32)


def check_priority(field: str, priority: float) -> None:
    """Check one priority.

    Raises:
      InvalidArgumentError: it is NaN, infinite, negative or too large.
    """
    if not 0 <= priority <= MAX_PRIORITY:
        raise InvalidArgumentError.of(field, priority, _ALLOWED)


class RunningMaximum:
    """The greatest priority ever given; 1 at first, never falls."""

    def __init__(self) -> None:
        self._value = 1.0

    @property
    def value(self) -> float:
        """The priority of an item that comes without one; set when a table is recovered."""
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        self._value = value

    def see(self, priorities: Priorities) -> None:
        """Take note of priorities given."""
        self._value = max(self._value, float(priorities.max(initial=0.0)))
