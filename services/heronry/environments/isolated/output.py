"""What a worker prints: passed on line by line, in bounds, and its end kept for when it dies."""

import os
import select
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Final

NUM_KEPT: Final = 50
_MAX_LINE: Final = 500
# A traceback gets through.
_LINES_PER_SECOND: Final = 50
_READ_BYTES: Final = 65_536
# A pipe holds 64 KiB, or what one that has written to it has made it hold, 1 MiB at most.
_PIPE_READS: Final = 16


class Output:
    """The reading end of a worker's standard output and error.

    Args:
      descriptor: of the pipe; is owned.
      tell: gets each line, at most 50 a second; then how many were left out.
      clock: monotonic seconds.
    """

    def __init__(
        self, descriptor: int, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._tell = tell
        self._clock = clock
        self._rest = b""
        self._kept: deque[str] = deque(maxlen=NUM_KEPT)
        self._second, self._num_told, self._num_left_out = clock(), 0, 0

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The last 50 lines."""
        return (*self._kept, *_lines(self._rest))[-NUM_KEPT:]

    def read(self) -> bool:
        """Take what is there; False at the end."""
        try:
            chunk = os.read(self.descriptor, _READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            return False
        whole, newline, rest = (self._rest + chunk).rpartition(b"\n")
        # A program that never ends its line must not fill our memory.
        self._rest = rest[-_READ_BYTES:]
        if newline:
            for line in _lines(whole):
                self._take(line)
        return bool(chunk)

    def wait(self, timeout_s: float) -> bool:
        """Wait for something to read, or the end; False when there was nothing in time."""
        return bool(self._poll.poll(timeout_s * 1000))

    def drain(self) -> None:
        """Take what a worker has printed up to now, which is no more than the pipe holds."""
        for _ in range(_PIPE_READS):
            if not self.wait(0.0) or not self.read():
                return

    def close(self) -> None:
        """Give the pipe up."""
        os.close(self.descriptor)

    def _take(self, line: str) -> None:
        self._kept.append(line)
        now = self._clock()
        if now - self._second >= 1.0:
            if self._num_left_out:
                self._tell(f"({self._num_left_out} lines left out)")
            self._second, self._num_told, self._num_left_out = now, 0, 0
        if self._num_told < _LINES_PER_SECOND:
            self._num_told += 1
            self._tell(line)
        else:
            self._num_left_out += 1


def print_line(source: str, line: str) -> None:
    """Write a line to standard error, with its source before it."""
    sys.stderr.write(f"[{source}] {line}\n")


def _lines(text: bytes) -> list[str]:
    decoded = text.decode(errors="replace").splitlines()
    return [line if len(line) <= _MAX_LINE else line[:_MAX_LINE] + "…" for line in decoded if line.strip()]
