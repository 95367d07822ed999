"""The bytes all tables of a service may hold."""

import threading

from heronry.types.errors import ResourceExhaustedError


class ByteBudget:
    """Counts the step bytes that tables hold, against one bound for the service.

    Safe from several threads: tables have an owner each.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used = 0
        self._lock = threading.Lock()

    @property
    def max_bytes(self) -> int:
        """The bound."""
        return self._max_bytes

    @property
    def used(self) -> int:
        """Bytes held now."""
        return self._used

    def reserve(self, num_bytes: int, table: str) -> None:
        """Count bytes for a table.

        Raises:
          ResourceExhaustedError: they do not fit; nothing is counted.
        """
        with self._lock:
            if self._used + num_bytes > self._max_bytes:
                raise self._refusal(num_bytes, table)
            self._used += num_bytes

    def release(self, num_bytes: int) -> None:
        """Give bytes back."""
        with self._lock:
            self._used -= num_bytes

    def _refusal(self, num_bytes: int, table: str) -> ResourceExhaustedError:
        return _refusal(table, num_bytes, self._used, self._max_bytes)


class TableBudget:
    """A table's part of the service's bytes, within a bound of its own."""

    def __init__(self, budget: ByteBudget, table: str, max_bytes: int) -> None:
        """Take nothing yet; `max_bytes` 0 leaves the service's bound alone."""
        self._budget = budget
        self._table = table
        self._used = 0
        self.max_bytes = min(budget.max_bytes, max_bytes or budget.max_bytes)

    @property
    def left(self) -> int:
        """Bytes that neither bound forbids."""
        return max(0, min(self.max_bytes - self._used, self._budget.max_bytes - self._budget.used))

    def reserve(self, num_bytes: int) -> None:
        """Count bytes.

        Raises:
          ResourceExhaustedError: they do not fit; nothing is counted.
        """
        if self._used + num_bytes > self.max_bytes:
            raise _refusal(self._table, num_bytes, self._used, self.max_bytes)
        self._budget.reserve(num_bytes, self._table)
        self._used += num_bytes

    def release(self, num_bytes: int) -> None:
        """Give bytes back."""
        self._budget.release(num_bytes)
        self._used -= num_bytes

    def release_all(self) -> None:
        """Give all bytes back."""
        self.release(self._used)


def _refusal(table: str, asked: int, used: int, max_bytes: int) -> ResourceExhaustedError:
    figures = {"table": table, "asked": asked, "used": used, "max_bytes": max_bytes}
    message = f"table {table!r} asks for {asked} bytes, {used} of {max_bytes} are in use"
    return ResourceExhaustedError(message, details={k: str(v) for k, v in figures.items()})
