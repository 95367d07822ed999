"""Memory files of fixed length for processes on this machine."""

import fcntl
import mmap
import os
import sys
from typing import Final

import numpy as np
import numpy.typing as npt

# Linux 5.1; the module has no name for it. Refuses new writable mappings, also through /proc, and keeps ours.
_F_SEAL_FUTURE_WRITE: Final = 0x10

IS_OFFERED: Final = sys.platform == "linux"


class SealedMemory:
    """A memory file whose length nobody can change, and which others cannot write to unless that is allowed.

    Whoever gets a descriptor maps it and keeps it as long as it likes; nothing has to be given back. The
    kernel tells whether anybody still has it: each descriptor carries a shared lock, which lasts as long as the
    descriptor or a mapping made from it, in whichever process.
    """

    def __init__(self, num_bytes: int, *, is_writable: bool = False) -> None:
        """Make the memory; `is_writable` lets others write to it too.

        Raises:
          OSError: the system gives no such memory.
        """
        self.num_bytes = num_bytes
        self._flags = os.O_CLOEXEC | (os.O_RDWR if is_writable else os.O_RDONLY)
        self._descriptor = os.memfd_create("heronry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(self._descriptor, num_bytes)
            self._memory = mmap.mmap(self._descriptor, num_bytes)
            seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW
            fcntl.fcntl(self._descriptor, fcntl.F_ADD_SEALS, seals | (0 if is_writable else _F_SEAL_FUTURE_WRITE))
        except BaseException:
            os.close(self._descriptor)
            raise

    def bytes(self) -> npt.NDArray[np.uint8]:
        """Return all of it, writable here; it stays mapped while an array refers to it."""
        return np.frombuffer(self._memory, np.uint8)

    def descriptor(self) -> int:
        """Return a descriptor of its own for one peer; the caller closes it once it was sent."""
        descriptor = os.open(f"/proc/self/fd/{self._descriptor}", self._flags)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return descriptor

    def is_shared(self) -> bool:
        """Tell whether a peer, or a descriptor on its way to one, still has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        return False

    def close(self) -> None:
        """Give our hold on the memory up; it goes when the last mapping and the last array are gone."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
