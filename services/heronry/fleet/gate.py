"""Lets a thread run, pauses it or ends it, from outside."""

import threading


class Gate:
    """Closed to begin with; safe from any thread."""

    def __init__(self) -> None:
        self._may_pass = threading.Event()
        self._is_stopped = False

    @property
    def is_open(self) -> bool:
        """Whether the thread may run."""
        return self._may_pass.is_set() and not self._is_stopped

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._is_stopped

    def open(self) -> None:
        """Let the thread run."""
        self._may_pass.set()

    def close(self) -> None:
        """Pause the thread where it asks next; a stopped gate stays open, to let it end."""
        if not self._is_stopped:
            self._may_pass.clear()

    def stop(self) -> None:
        """End the thread where it asks next, paused or not."""
        self._is_stopped = True
        self._may_pass.set()

    def may_go_on(self) -> bool:
        """Block while the gate is closed; then tell whether to go on."""
        if not self._may_pass.is_set():
            self._may_pass.wait()
        return not self._is_stopped
