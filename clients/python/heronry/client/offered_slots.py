"""Shared memory that a service offers to a reader, and the reader's answers."""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.client.shared_slots import MappedSlots, attach
from heronry.wire.addresses import UNIX_PREFIX

_MOST_UNTOLD_BYTES = 8 << 20
_LOCAL_HOSTS = ("127.0.0.1:", "localhost:", "[::1]:")


def may_share_memory(address: str) -> bool:
    """Tell whether a service at an address may be on this machine, and memory can be shared here."""
    return sys.platform == "linux" and address.startswith((UNIX_PREFIX, *_LOCAL_HOSTS))


class OfferedSlots:
    """The slots of one sample stream; for one event loop. `send` puts a serialised request into the stream.

    Slots are given back from whichever thread drops the last array of them. Small ones are told a quarter of all at
    a time, since a request costs as much as it takes to fill a megabyte; large ones at once, since each further slot
    in use is memory that was never touched.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._mapped: MappedSlots | None = None
        self._attaching: asyncio.Task[None] | None = None
        self._free: deque[int] = deque()
        self._fewest_told = 1
        self._is_telling = False
        self._is_over = False

    def offered(self, socket_path: str, token: bytes, num_slots: int, slot_bytes: int) -> None:
        """Fetch the memory in the background, and tell the service whether that could be done."""
        self._attaching = self._loop.create_task(self._attach(socket_path, token, num_slots, slot_bytes))

    def bytes_of(self, slot: int, num_bytes: int) -> npt.NDArray[np.uint8]:
        """Return the first bytes of a slot that was just filled, read-only.

        Raises:
          ValueError: there is no such slot, or it is shorter.
        """
        if self._mapped is None:
            raise ValueError(f"slot {slot} of shared memory that is not mapped")
        return self._mapped.bytes_of(slot, num_bytes)

    async def close(self) -> None:
        """Tell the service no more; arrays stay valid for as long as they are kept."""
        self._is_over = True
        if self._attaching is not None:
            self._attaching.cancel()
            await asyncio.gather(self._attaching, return_exceptions=True)

    async def _attach(self, socket_path: str, token: bytes, num_slots: int, slot_bytes: int) -> None:
        self._fewest_told = max(1, min(num_slots // 4, _MOST_UNTOLD_BYTES // max(1, slot_bytes)))
        self._mapped = await asyncio.to_thread(attach, socket_path, token, num_slots, slot_bytes, self._give_back)
        answer = pb.SampleAttached(attached=self._mapped is not None)
        self._send(pb.SampleRequest(attached=answer).SerializeToString())

    def _give_back(self, slot: int) -> None:
        self._free.append(slot)
        if self._is_telling or self._is_over or len(self._free) < self._fewest_told:
            return
        self._is_telling = True
        # The loop may have ended, and may end just now: the service then knows that the reader is gone.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._is_telling = False
        slots: list[int] = []
        while self._free:
            slots.append(self._free.popleft())
        if slots and not self._is_over:
            self._send(pb.SampleRequest(release=pb.SampleRelease(slots=slots)).SerializeToString())
