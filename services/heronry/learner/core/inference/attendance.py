"""Whose turn it is: the streams that may send a step soon."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Attendance(Generic[T]):
    """Streams whose fleet has what it needs for its next step, the longest silent first.

    One that stays silent for `idle_s` is not counted on any more until it comes: its fleet waits for
    something else, or its environments are slow.
    """

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._expected: dict[T, float] = {}

    def expect(self, stream: T, now_s: float) -> None:
        """Count on a stream from now on: it was answered."""
        self._expected.pop(stream, None)
        self._expected[stream] = now_s

    def note(self, stream: T) -> None:
        """Count on a stream no longer: it has come, or it has ended."""
        self._expected.pop(stream, None)

    def is_anybody_expected(self, now_s: float) -> bool:
        """Tell whether a step may come soon."""
        while self._expected:
            stream, since_s = next(iter(self._expected.items()))
            if now_s < since_s + self._idle_s:
                return True
            del self._expected[stream]
        return False
