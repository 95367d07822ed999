"""When a failed call or a broken stream is tried again."""

import random
import time

from heronry.types.errors import AbortedError, HeronryError, NotFoundError, UnavailableError


class Retries:
    """A time budget spent in delays with full jitter; not thread-safe.

    Delays are uniform between zero and a bound that doubles, so that many clients of one restarted
    service do not come back at the same moment. A service's own advice is followed instead.
    """

    def __init__(self, budget_s: float, *, first_delay_s: float = 0.05, max_delay_s: float = 1.0) -> None:
        self._budget_s = budget_s
        self._first_delay_s = first_delay_s
        self._max_delay_s = max_delay_s
        self._random = random.Random()
        self._num_failures = 0
        self._has_succeeded = False
        self._end_s: float | None = None

    def note_success(self) -> None:
        """Start anew: the peer has answered."""
        self._num_failures = 0
        self._has_succeeded = True
        self._end_s = None

    def delay_after(self, error: HeronryError) -> float:
        """Return the seconds to wait before the next try.

        Raises:
          HeronryError: the error itself, when trying again is useless or the budget is spent.
        """
        if not self._is_transient(error):
            raise error
        now = time.monotonic()
        if self._end_s is None:
            self._end_s = now + self._budget_s
        bound = min(self._max_delay_s, self._first_delay_s * 2**self._num_failures)
        self._num_failures += 1
        delay = error.retry_after_s if error.retry_after_s is not None else self._random.uniform(0, bound)
        if now + delay > self._end_s:
            raise error
        return delay

    def _is_transient(self, error: HeronryError) -> bool:
        if error.retry_after_s is not None or isinstance(error, (UnavailableError, AbortedError)):
            return True
        # What was there before comes back with the service's next assignment.
        return self._has_succeeded and isinstance(error, NotFoundError)
