"""Slots of a service's memory, mapped here to be read in place."""

import mmap
import weakref
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from heronry.client.offered_memory import map_offered


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
    memory = map_offered(socket_path, token, num_slots * slot_bytes)
    return None if memory is None else MappedSlots(memory, num_slots, slot_bytes, give_back)
