"""Where the columns of a batch lie in a slot of shared memory."""

from collections.abc import Iterable
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

SLOT_ALIGNMENT: Final = 64


class SlotSource(Protocol):
    """What a reader maps on an offer of shared memory."""

    def offered(self, socket_path: str, token: bytes, num_slots: int, slot_bytes: int) -> None:
        """Take note of an offer; does not wait for what comes of it."""
        ...

    def bytes_of(self, slot: int, num_bytes: int) -> npt.NDArray[np.uint8]:
        """Return the first bytes of a slot that was just filled, read-only.

        Raises:
          ValueError: there is no such slot, or it is shorter.
        """
        ...


def slot_places(byte_lengths: Iterable[int]) -> list[tuple[int, int]]:
    """Return begin and end of each column: one behind the other, each begins at a multiple of 64 bytes."""
    places: list[tuple[int, int]] = []
    begin = 0
    for length in byte_lengths:
        places.append((begin, begin + length))
        begin = -(-(begin + length) // SLOT_ALIGNMENT) * SLOT_ALIGNMENT
    return places


def slot_bytes(byte_lengths: Iterable[int]) -> int:
    """Return the bytes of a slot that holds columns of these lengths."""
    places = slot_places(byte_lengths)
    return places[-1][1] if places else 0
