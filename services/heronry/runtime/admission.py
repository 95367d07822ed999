"""Which calls are let in: when the service is ready, while there is room, until it drains."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final

from heronry.types.errors import ResourceExhaustedError, UnavailableError

# Health, reflection and channelz answer in every state and need no place.
_INFRASTRUCTURE: Final = "/grpc."
_RETRY_AFTER_S: Final = 1.0
_STARTING_RETRY_S: Final = 0.1


class Admission:
    """Counts streams and knows the service's state; used on one event loop.

    A stream above the bound is refused at once with a time to retry, because a call that the
    transport queues in silence looks like a hung service.
    """

    def __init__(self, max_streams: int) -> None:
        self._max_streams = max_streams
        self._num_streams = 0
        self._num_refused = 0
        self._refusal: UnavailableError | None = UnavailableError("the service starts", retry_after_s=_STARTING_RETRY_S)
        self._open: set[asyncio.Task[Any]] = set()
        self._ended: set[asyncio.Task[Any]] = set()

    @property
    def num_streams(self) -> int:
        """Streams that are open now."""
        return self._num_streams

    @property
    def num_refused(self) -> int:
        """Streams refused because all places were taken."""
        return self._num_refused

    def open(self) -> None:
        """Let calls through; until then they are refused as UNAVAILABLE."""
        self._refusal = None

    def drain(self) -> None:
        """Refuse new calls and end the streams that answer; unary calls and uploads go on."""
        self._refusal = _draining()
        for task in self._open:
            self._ended.add(task)
            task.cancel()

    def check(self, method: str) -> None:
        """Let a call of a method in.

        Raises:
          UnavailableError: the service starts or stops.
        """
        if self._refusal is not None and not method.startswith(_INFRASTRUCTURE):
            raise UnavailableError(self._refusal.message, retry_after_s=self._refusal.retry_after_s)

    @contextlib.contextmanager
    def place(self, method: str) -> Iterator[None]:
        """Hold a place for one stream.

        Raises:
          ResourceExhaustedError: all are taken.
        """
        if method.startswith(_INFRASTRUCTURE):
            yield
            return
        if self._num_streams >= self._max_streams:
            self._num_refused += 1
            raise _too_many(self._num_streams, self._max_streams)
        self._num_streams += 1
        try:
            yield
        finally:
            self._num_streams -= 1

    @contextlib.contextmanager
    def ends_at_drain(self) -> Iterator[None]:
        """Turn the cancellation of a drain into UNAVAILABLE; the client's own passes through."""
        task = asyncio.current_task()
        if task is None:
            yield
            return
        self._open.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if task not in self._ended or task.uncancel() > 0:
                raise
            raise _draining() from None
        finally:
            self._open.discard(task)
            self._ended.discard(task)


def _draining() -> UnavailableError:
    return UnavailableError("the service stops", retry_after_s=_RETRY_AFTER_S)


def _too_many(value: int, allowed: int) -> ResourceExhaustedError:
    details = {"field": "streams", "value": str(value), "allowed": f"at most {allowed}"}
    message = f"{value} streams are open, at most {allowed} are allowed"
    return ResourceExhaustedError(message, details=details, retry_after_s=_RETRY_AFTER_S)
