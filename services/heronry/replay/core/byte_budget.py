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
        figures = {"table": table, "asked": num_bytes, "used": self._used, "max_bytes": self._max_bytes}
        message = f"table {table!r} asks for {num_bytes} bytes, {self._used} of {self._max_bytes} are in use"
        return ResourceExhaustedError(message, details={k: str(v) for k, v in figures.items()})
