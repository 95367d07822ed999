"""Where a stream's batches are written and how they travel."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from heronry.replay.core.batch_buffer import BatchBuffer, BatchLayout
from heronry.types.errors import InvalidArgumentError
from heronry.wire.batch_frame import BatchFrame


class BatchTransport(Protocol):
    """Takes the batches of one stream to its reader.

    `new_buffer` is called by whoever draws, in any thread, one at a time; everything else on the event loop.
    """

    @property
    def num_bytes(self) -> int:
        """Bytes of a batch; 0 before the first."""
        ...

    def opening(self) -> Iterator[bytes]:
        """Yield the messages that come before the first batch."""
        ...

    def new_buffer(self, layout: BatchLayout) -> BatchBuffer:
        """Return the memory of the next batch."""
        ...

    def messages(self, buffer: BatchBuffer) -> Iterator[bytes]:
        """Yield the messages of a batch that was filled; its memory is taken back when all are taken."""
        ...

    def attached(self, *, is_attached: bool) -> None:
        """Take the reader's answer to an offer of shared memory."""
        ...

    def release(self, slots: Sequence[int]) -> None:
        """Take slots of shared memory back."""
        ...

    def close(self) -> None:
        """Give everything up: the reader is gone."""
        ...


class StreamTransport:
    """Sends the bytes of batches in the stream itself. A frame is used again when its batch is sent."""

    def __init__(self) -> None:
        self._free: list[BatchFrame] = []
        self._is_first = True
        self.num_bytes = 0

    def opening(self) -> Iterator[bytes]:
        """Yield nothing: there is nothing to offer."""
        yield from ()

    def new_buffer(self, layout: BatchLayout) -> BatchBuffer:
        """Return a frame; a stream has one layout."""
        if self._free:
            return self._free.pop()
        self.num_bytes = layout.num_bytes
        return BatchFrame(layout.columns, layout.facts, layout.batch_size)

    def messages(self, buffer: BatchBuffer) -> Iterator[bytes]:
        """Yield the messages of a frame that was filled."""
        if not isinstance(buffer, BatchFrame):
            raise TypeError(f"{type(buffer).__name__} is no buffer of this transport")
        yield from buffer.messages(with_headers=self._is_first)
        self._is_first = False
        self._free.append(buffer)

    def attached(self, *, is_attached: bool) -> None:
        """Refuse an answer to what was not asked."""
        raise InvalidArgumentError.of("attached", is_attached, "nothing: no shared memory was offered")

    def release(self, slots: Sequence[int]) -> None:
        """Refuse slots that nobody has."""
        raise InvalidArgumentError.of("release.slots", list(slots), "none: no shared memory was offered")

    def close(self) -> None:
        """Let the frames go."""
        self._free.clear()
