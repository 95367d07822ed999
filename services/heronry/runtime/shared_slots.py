"""Sealed memory in equal slots, written here and read by a process on the same machine."""

import fcntl
import mmap
import os
import sys
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.types.errors import InvalidArgumentError

# Linux 5.1; the module has no name for it. Refuses new writable mappings, also through /proc, and keeps ours.
_F_SEAL_FUTURE_WRITE: Final = 0x10
_PAGE: Final = 4096

IS_OFFERED: Final = sys.platform == "linux"


def page_multiple(num_bytes: int) -> int:
    """Return `num_bytes` rounded up to whole pages."""
    return -(-num_bytes // _PAGE) * _PAGE


class SharedSlots:
    """A memory file of `num_slots` slots whose reader can neither write nor shrink it.

    Slots are taken to be filled and given back when the reader is done with them; the one given back last is
    taken first: it is in memory, which none is before it was filled. One thread may take while another gives back.
    """

    def __init__(self, num_slots: int, slot_bytes: int) -> None:
        """Make the memory; a slot has at least `slot_bytes` bytes, rounded up to whole pages.

        Raises:
          OSError: the system gives no such memory.
        """
        self.num_slots = num_slots
        self.slot_bytes = page_multiple(slot_bytes)
        self._free = list(range(num_slots - 1, -1, -1))
        descriptor = os.memfd_create("heronry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(descriptor, num_slots * self.slot_bytes)
            self._memory = mmap.mmap(descriptor, num_slots * self.slot_bytes)
            seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _F_SEAL_FUTURE_WRITE
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
            self.descriptor = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        finally:
            os.close(descriptor)

    @property
    def num_bytes(self) -> int:
        """Bytes of all slots."""
        return self.num_slots * self.slot_bytes

    def take(self) -> int | None:
        """Return a free slot; None when the reader holds them all."""
        # Only the taker removes: what is there stays.
        return self._free.pop() if self._free else None

    def view(self, slot: int) -> npt.NDArray[np.uint8]:
        """Return the writable bytes of a slot."""
        return np.frombuffer(self._memory, np.uint8, self.slot_bytes, slot * self.slot_bytes)

    def give_back(self, slot: int) -> None:
        """Take note that the reader is done with a slot.

        Raises:
          InvalidArgumentError: the reader does not hold it.
        """
        if not 0 <= slot < self.num_slots or slot in self._free:
            raise InvalidArgumentError.of("release.slots", slot, f"a slot that was sent, 0 to {self.num_slots - 1}")
        self._free.append(slot)

    def close(self) -> None:
        """Give our hold on the memory up; it goes when the reader's mapping and all views are gone."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
