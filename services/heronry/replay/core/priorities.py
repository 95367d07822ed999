"""The range of priorities, and the priority of items that come without one."""

import numpy as np
import numpy.typing as npt

from heronry.replay.core.selector import Priorities
from heronry.types.errors import InvalidArgumentError

# As float32 holds them; with the largest exponent, the sum over all slots stays finite.
MAX_PRIORITY = float(np.finfo(np.float32).max)
MAX_EXPONENT = 4.0
_ALLOWED = f"finite, 0 to {MAX_PRIORITY:.2g}"


def checked_priorities(priorities: npt.NDArray[np.float64]) -> Priorities:
    """Return the priorities.

    Raises:
      InvalidArgumentError: one is NaN, infinite, negative or too large; names the first.
    """
    refused = ~((priorities >= 0) & (priorities <= MAX_PRIORITY))
    if refused.any():
        index = int(refused.argmax())
        raise InvalidArgumentError.of(f"priorities[{index}]", float(priorities[index]), _ALLOWED)
    return priorities


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
        """The priority of an item that comes without one."""
        return self._value

    def see(self, priorities: Priorities) -> None:
        """Take note of priorities given."""
        self._value = max(self._value, float(priorities.max(initial=0.0)))
