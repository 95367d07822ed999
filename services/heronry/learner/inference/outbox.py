"""What waits to be sent on one stream."""

import asyncio
from collections import deque

from heronry.api.learner.v1 import inference_pb2 as pb


class Outbox:
    """Answers in their order, then the end; filled and emptied on one event loop.

    A stream has one step out at a time, so that it never holds more than a few messages.
    """

    def __init__(self) -> None:
        self._messages: deque[pb.InferResponse] = deque()
        self._error: Exception | None = None
        self._has_ended = False
        self._changed = asyncio.Event()

    def put(self, message: pb.InferResponse) -> None:
        """Line an answer up."""
        self._messages.append(message)
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """End the stream with an error, after the answers that wait; the first error counts."""
        self._error = self._error or error
        self._changed.set()

    def end(self) -> None:
        """End the stream after the answers that wait."""
        self._has_ended = True
        self._changed.set()

    async def next(self) -> pb.InferResponse | None:
        """Return the next answer; None at the end.

        Raises:
          Exception: the one given to `fail`.
        """
        while not self._messages:
            if self._error is not None:
                raise self._error
            if self._has_ended:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._messages.popleft()
