"""Memory that a service lends to readers on its machine."""

from dataclasses import dataclass
from typing import Final

from heronry.runtime.descriptor_socket import DescriptorSocket
from heronry.runtime.shared_slots import IS_OFFERED, SharedSlots, page_multiple

_MAX_SLOTS: Final = 16
_FEWEST_SLOTS: Final = 4


@dataclass(frozen=True)
class Loan:
    """Memory on offer to one reader, and where it finds it."""

    slots: SharedSlots
    socket_path: str
    token: bytes


class SharedMemory:
    """Lends memory up to a bound in all, handed over by one socket; for one event loop.

    Memory that a reader has mapped stays for as long as the reader holds arrays of it, after its stream too:
    it is then no longer counted here.
    """

    def __init__(self, max_bytes: int) -> None:
        """Lend at most `max_bytes` at a time; 0: none."""
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._socket = DescriptorSocket()

    @property
    def num_bytes(self) -> int:
        """Bytes that are lent; they are in memory once they were used."""
        return self._num_bytes

    def lend(self, slot_bytes: int) -> Loan | None:
        """Offer a reader slots of this size; None when too much is lent or the system gives none."""
        num_slots = min(_MAX_SLOTS, (self._max_bytes - self._num_bytes) // page_multiple(slot_bytes))
        if num_slots < _FEWEST_SLOTS or not IS_OFFERED:
            return None
        try:
            slots = SharedSlots(num_slots, slot_bytes)
        except OSError:
            return None
        try:
            path, token = self._socket.offer(slots.descriptor)
        except OSError:
            slots.close()
            return None
        self._num_bytes += slots.num_bytes
        return Loan(slots, path, token)

    def take_back(self, loan: Loan) -> None:
        """End a loan: the reader is gone, or did not want it."""
        self._socket.withdraw(loan.token)
        self._num_bytes -= loan.slots.num_bytes
        loan.slots.close()

    async def close(self) -> None:
        """Lend no more."""
        self._max_bytes = 0
        await self._socket.close()
