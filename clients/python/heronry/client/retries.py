"""When a failed call or a broken stream is tried again."""

import random
import time
from typing import Final

from heronry.types.errors import AbortedError, HeronryError, NotFoundError, UnavailableError

# Within which a service that was away has again what it served before.
RETURN_S: Final = 15.0


class Retries:
    """A time budget spent in delays with full jitter; not thread-safe.

    Delays are uniform between zero and a bound that doubles, so that many clients of one restarted
    service do not come back at the same moment. A service's own advice is followed instead.
    """

    def __init__(self, budget_s: float, *, first_delay_s: float = 0.05, max_delay_s: float = 1.0) -> None:
        self._budget_s = budget_s
        self._first_delay_s = first_delay_s
        self._max_delay_s = max_delay_s
        self._num_failures = 0
        self._has_succeeded = False
        self._was_away = False
        self._end_s: float | None = None
        self._return_end_s: float | None = None
        self.last_error: HeronryError | None = None

    def note_success(self) -> None:
        """Start anew: the peer has answered."""
        self._num_failures = 0
        self._has_succeeded = True
        self._was_away = False
        self._end_s = self._return_end_s = None
        self.last_error = None

    def delay_after(self, error: HeronryError) -> float:
        """Return the seconds to wait before the next try.

        Raises:
          HeronryError: the error itself, when trying again is useless or the budget is spent.
        """
        self.last_error = error
        if not self._is_transient(error):
            raise error
        now = time.monotonic()
        end_s = self._end_of(error, now)
        bound = min(self._max_delay_s, self._first_delay_s * 2**self._num_failures)
        self._num_failures += 1
        delay = error.retry_after_s if error.retry_after_s is not None else random.Random().uniform(0, bound)
        if now + delay > end_s:
            raise error
        return delay

    def _is_transient(self, error: HeronryError) -> bool:
        if error.retry_after_s is not None or isinstance(error, (UnavailableError, AbortedError)):
            return True
        # What was there before a service restarted comes back with its next assignment; else it was deleted.
        return self._has_succeeded and self._was_away and isinstance(error, NotFoundError)

    def _end_of(self, error: HeronryError, now: float) -> float:
        """Return until when such an error is borne."""
        if self._end_s is None:
            self._end_s = now + self._budget_s
        if isinstance(error, NotFoundError):
            if self._return_end_s is None:
                self._return_end_s = now + RETURN_S
            return min(self._end_s, self._return_end_s)
        if isinstance(error, UnavailableError):
            self._was_away = True
            self._return_end_s = None
        return self._end_s


def last_error_of(retries: Retries | None) -> HeronryError | None:
    """Return why a stream is not open; None while it is, or before its first try has ended."""
    return None if retries is None else retries.last_error
