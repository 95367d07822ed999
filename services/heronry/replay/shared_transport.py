"""Batches written into memory that the reader maps; the stream then carries only where they lie."""

from collections.abc import Iterator, Sequence
from typing import Final

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.replay.batch_transport import StreamTransport
from heronry.replay.core.batch_buffer import BatchBuffer, BatchLayout
from heronry.replay.shared_memory import Loan, SharedMemory
from heronry.types.errors import InvalidArgumentError
from heronry.wire.batch_frame import BatchFrame
from heronry.wire.slots import slot_bytes

# Below it a copy through the socket costs no more than to tell which slots are free again.
_MIN_BYTES: Final = 128 << 10


class SharedTransport:
    """Offers memory before the first batch, and writes into it once the reader has mapped it.

    The first batch, and every one for which the reader has left no slot, goes by the stream: a reader that
    keeps what it gets is not held up.
    """

    def __init__(self, stream: StreamTransport, memory: SharedMemory) -> None:
        self._stream = stream
        self._memory = memory
        self._is_first = True
        self._loan: Loan | None = None
        self._is_asked = False
        self._is_attached = False
        self._frames: dict[int, _SlotFrame] = {}
        self._sent: set[int] = set()

    @property
    def num_bytes(self) -> int:
        """Bytes of a batch; 0 before the first."""
        return self._stream.num_bytes

    def opening(self) -> Iterator[bytes]:
        """Yield nothing: how large a slot must be is known with the first batch."""
        return self._stream.opening()

    def new_buffer(self, layout: BatchLayout) -> BatchBuffer:
        """Return a free slot's memory, or a frame."""
        loan = self._loan
        if loan is None or not self._is_attached:
            return self._stream.new_buffer(layout)
        slot = loan.slots.take()
        if slot is None:
            return self._stream.new_buffer(layout)
        if slot not in self._frames:
            self._frames[slot] = _SlotFrame(layout, loan, slot)
        return self._frames[slot]

    def messages(self, buffer: BatchBuffer) -> Iterator[bytes]:
        """Yield the messages of a batch that was filled, after the offer where it is the first."""
        if isinstance(buffer, _SlotFrame):
            self._sent.add(buffer.slot)
            yield from buffer.messages(with_headers=False, slot=buffer.slot)
            return
        if self._is_first:
            self._is_first = False
            yield from self._offer(buffer)
        yield from self._stream.messages(buffer)

    def attached(self, *, is_attached: bool) -> None:
        """Use the memory from now on, or take it back.

        Raises:
          InvalidArgumentError: nothing was offered, or it was answered before.
        """
        if not self._is_asked:
            raise InvalidArgumentError.of("attached", is_attached, "one answer to an offer of shared memory")
        self._is_asked = False
        self._is_attached = is_attached
        if not is_attached:
            self._take_back()

    def release(self, slots: Sequence[int]) -> None:
        """Take slots back.

        Raises:
          InvalidArgumentError: one was not sent, or was given back before.
        """
        for slot in slots:
            if self._loan is None or slot not in self._sent:
                raise InvalidArgumentError.of("release.slots", slot, "slots of batches that were sent, each once")
            self._sent.remove(slot)
            self._loan.slots.give_back(slot)

    def close(self) -> None:
        """Give the memory up; the reader keeps what it has mapped."""
        self._is_attached = self._is_asked = False
        self._take_back()
        self._frames.clear()
        self._stream.close()

    def _offer(self, buffer: BatchBuffer) -> Iterator[bytes]:
        arrays = (*buffer.columns.values(), *buffer.facts.values())
        if self.num_bytes < _MIN_BYTES:
            return
        self._loan = loan = self._memory.lend(slot_bytes(a.nbytes for a in arrays))
        if loan is not None:
            self._is_asked = True
            offer = pb.SharedMemoryOffer(
                socket_path=loan.socket_path,
                token=loan.token,
                num_slots=loan.slots.num_slots,
                slot_bytes=loan.slots.slot_bytes,
            )
            yield pb.SampleResponse(shared_memory=offer).SerializeToString()

    def _take_back(self) -> None:
        loan, self._loan = self._loan, None
        if loan is not None:
            self._memory.take_back(loan)


class _SlotFrame(BatchFrame):
    """A frame that is used again whenever its slot is free."""

    def __init__(self, layout: BatchLayout, loan: Loan, slot: int) -> None:
        super().__init__(layout.columns, layout.facts, layout.batch_size, loan.slots.view(slot).data)
        self.slot = slot
