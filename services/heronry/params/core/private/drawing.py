"""Noise that is drawn while something else goes on."""

import contextlib
import threading
from collections.abc import Callable

from heronry.native.arrays import Indices


class Drawing:
    """A vector that a thread of its own fills; nobody else touches it before it was waited for."""

    def __init__(self, total: Indices, fill: Callable[[Indices], None]) -> None:
        """Begin."""
        self._total = total
        self._fill = fill
        self._is_filled = False
        self._thread = threading.Thread(target=self._run, name="heronry-noise", daemon=True)
        self._thread.start()

    def result(self) -> Indices | None:
        """Wait for the vector; None when it could not be filled: whoever needs it draws anew, and meets the reason."""
        self._thread.join()
        return self._total if self._is_filled else None

    def _run(self) -> None:
        with contextlib.suppress(Exception):
            self._fill(self._total)
            self._is_filled = True
