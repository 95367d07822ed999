"""One thread that forces to the disk what tables have committed."""

import threading
from collections.abc import Callable
from typing import Protocol

from heronry.types.errors import HeronryError, ResourceExhaustedError

Settled = Callable[[int, HeronryError | None], None]


class Syncable(Protocol):
    """What can be forced to the disk."""

    def sync(self) -> int:
        """Force all that was committed before to the disk and return its position."""
        ...


class GroupCommit:
    """Syncs journals that ask for it, one after the other; all who ask while one runs share the next.

    Safe from any thread. The callbacks run in its thread.
    """

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._wanted: dict[int, tuple[Syncable, Settled]] = {}
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def request(self, journal: Syncable, settled: Settled) -> None:
        """Sync a journal soon, then call `settled(position, None)`, or `settled(0, error)`."""
        with self._gate:
            if self._is_closed:
                return
            self._wanted[id(journal)] = journal, settled
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="heronry-group-commit", daemon=True)
                self._thread.start()
            self._gate.notify()

    def close(self, timeout_s: float = 5.0) -> None:
        """End the thread after what was asked for; closing again does nothing."""
        with self._gate:
            self._is_closed = True
            self._gate.notify()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._gate:
                self._gate.wait_for(lambda: self._wanted or self._is_closed)
                wanted, self._wanted = list(self._wanted.values()), {}
            if not wanted:
                return
            for journal, settled in wanted:
                _sync(journal, settled)


def _sync(journal: Syncable, settled: Settled) -> None:
    try:
        position = journal.sync()
    except HeronryError as error:
        settled(0, error)
    except OSError as error:
        settled(0, ResourceExhaustedError(f"the disk failed: {error.strerror}", details={"resource": "disk"}))
    else:
        settled(position, None)
