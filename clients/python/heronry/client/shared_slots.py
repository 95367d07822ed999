"""Slots of a service's memory, mapped here to be read in place."""

import fcntl
import mmap
import os
import socket
import sys
import weakref
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_TIMEOUT_S = 2.0


class MappedSlots:
    """Slots that a service on this machine fills; a slot is given back when no array refers to it any more.

    The arrays that are made of a slot's bytes keep it: whoever keeps a batch keeps its slot, and nobody
    ever sees bytes change under an array.
    """

    def __init__(self, memory: mmap.mmap, num_slots: int, slot_bytes: int, give_back: Callable[[int], None]) -> None:
        """Take over a mapping; `give_back` gets a slot's number, from any thread, perhaps the collector."""
        self._memory = memory
        self._num_slots = num_slots
        self._slot_bytes = slot_bytes
        self._give_back = give_back

    def bytes_of(self, slot: int, num_bytes: int) -> npt.NDArray[np.uint8]:
        """Return the first bytes of a slot that was just filled, read-only.

        Raises:
          ValueError: there is no such slot, or it is shorter.
        """
        if not 0 <= slot < self._num_slots or num_bytes > self._slot_bytes:
            raise ValueError(f"slot {slot} of {num_bytes} bytes in {self._num_slots} slots of {self._slot_bytes} bytes")
        array = np.frombuffer(self._memory, np.uint8, num_bytes, slot * self._slot_bytes)
        weakref.finalize(array, self._give_back, slot).atexit = False
        return array


def attach(
    socket_path: str, token: bytes, num_slots: int, slot_bytes: int, give_back: Callable[[int], None]
) -> MappedSlots | None:
    """Fetch a descriptor from a service's socket and map it; None when the service is elsewhere or refuses.

    Blocks for as long as a connection on this machine takes, 2 s at most.
    """
    if sys.platform != "linux":
        return None
    descriptor = -1
    try:
        descriptor = _fetch(socket_path, token)
        return MappedSlots(_map(descriptor, num_slots * slot_bytes), num_slots, slot_bytes, give_back)
    except (OSError, ValueError):
        return None
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _fetch(socket_path: str, token: bytes) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.settimeout(_TIMEOUT_S)
        peer.connect(socket_path)
        peer.sendall(token)
        _, descriptors, _, _ = socket.recv_fds(peer, 1, 1)
    if not descriptors:
        raise OSError("the service knows no such token")
    return descriptors[0]


def _map(descriptor: int, num_bytes: int) -> mmap.mmap:
    # Unsealed, the owner could shrink it and end this process by a bus error.
    if not fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
        raise OSError("the memory is not sealed")
    if os.fstat(descriptor).st_size != num_bytes:
        raise OSError(f"the memory has {os.fstat(descriptor).st_size} bytes, not {num_bytes}")
    return mmap.mmap(descriptor, num_bytes, access=mmap.ACCESS_READ)
