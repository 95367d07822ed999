"""One suite over both twins of the checksum of chunks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import crc32c
from heronry.native.arrays import Bytes
from heronry.native.backend import Loops


def reference(data: Bytes) -> int:
    """Bit by bit, as the polynomial is written."""
    state = 0xFFFFFFFF
    for byte in data.tolist():
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


def some_bytes(length: int, seed: int = 0) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, length, np.uint8)


def test_the_check_values_of_the_standard(loops: Loops) -> None:
    # RFC 3720, section B.4, and the check value of the catalogue of CRCs.
    assert crc32c(np.frombuffer(b"123456789", np.uint8), loops=loops) == 0xE3069283
    assert crc32c(np.zeros(32, np.uint8), loops=loops) == 0x8A9136AA
    assert crc32c(np.full(32, 0xFF, np.uint8), loops=loops) == 0x62A8AB43
    assert crc32c(np.arange(32, dtype=np.uint8), loops=loops) == 0x46DD794E


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 255, 256, 257, 511, 512, 513, 1031])
@pytest.mark.parametrize("offset", [0, 1, 17])
def test_every_length_and_alignment_gives_the_remainder(loops: Loops, length: int, offset: int) -> None:
    data = some_bytes(length + offset)[offset:]

    assert crc32c(data, loops=loops) == reference(data)


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(0, 1 << 16))
def test_both_twins_give_the_same_checksum(twins: list[Loops], seed: int, length: int) -> None:
    data = some_bytes(length, seed)

    assert len({crc32c(data, loops=loops) for loops in twins}) == 1


def test_a_flipped_bit_shows(loops: Loops) -> None:
    data = some_bytes(5000)
    before = crc32c(data, loops=loops)
    data[4321] ^= 4

    assert crc32c(data, loops=loops) != before


def test_other_types_and_gaps_are_refused(loops: Loops) -> None:
    for wrong in (np.zeros(4, np.int16), np.zeros(8, np.uint8)[::2], np.zeros((2, 2), np.uint8)):
        with pytest.raises(TypeError):
            crc32c(wrong, loops=loops)  # type: ignore[arg-type]  # that it is refused is the point
