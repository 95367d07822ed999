"""Memory that readers on this machine map: sealed, used again when nobody has it."""

import gc
import mmap
import os

import numpy as np
import pytest

from heronry.params.core.buffer_pool import BufferPool
from heronry.params.shared_buffers import FEWEST_SHARED, SharedBuffers
from heronry.runtime.sealed_memory import SealedMemory

NUM_BYTES = 1 << 20


@pytest.fixture
def buffers() -> SharedBuffers:
    made = SharedBuffers(BufferPool(0))
    assert made.wants(NUM_BYTES)
    return made


def address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def reader_of(memory: SealedMemory) -> mmap.mmap:
    descriptor = memory.descriptor()
    mapping = mmap.mmap(descriptor, memory.num_bytes, prot=mmap.PROT_READ)
    os.close(descriptor)
    return mapping


def test_a_reader_sees_what_is_written_and_cannot_write() -> None:
    memory = SealedMemory(NUM_BYTES)
    reader = reader_of(memory)

    memory.bytes()[:4] = [1, 2, 3, 4]

    assert reader[:4] == bytes([1, 2, 3, 4])
    descriptor = memory.descriptor()
    again = os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)
    with pytest.raises(PermissionError):
        mmap.mmap(again, NUM_BYTES)
    with pytest.raises(PermissionError):
        os.ftruncate(again, 1)
    os.close(again)
    os.close(descriptor)
    memory.close()


def test_writable_memory_cannot_be_shortened() -> None:
    memory = SealedMemory(NUM_BYTES, is_writable=True)
    descriptor = memory.descriptor()
    borrower = mmap.mmap(descriptor, NUM_BYTES)

    borrower[:2] = b"ab"

    assert memory.bytes()[:2].tobytes() == b"ab"
    with pytest.raises(PermissionError):
        os.ftruncate(descriptor, 1)
    os.close(descriptor)
    memory.close()


def test_memory_counts_as_shared_until_the_last_mapping_and_descriptor_are_gone() -> None:
    memory = SealedMemory(NUM_BYTES)
    assert not memory.is_shared()

    descriptor = memory.descriptor()
    mapping = mmap.mmap(descriptor, NUM_BYTES, prot=mmap.PROT_READ)
    os.close(descriptor)

    assert memory.is_shared()
    mapping.close()
    assert not memory.is_shared()
    memory.close()


def test_buffers_lie_in_shared_memory_once_a_reader_asked_for_their_length(buffers: SharedBuffers) -> None:
    assert buffers.memory_of(buffers.take(2 * NUM_BYTES)) is None
    flat = buffers.take(NUM_BYTES)

    assert buffers.memory_of(flat.view()) is not None
    assert buffers.memory_of(flat[: NUM_BYTES // 2]) is None
    assert buffers.num_bytes == NUM_BYTES
    assert not buffers.wants(FEWEST_SHARED - 1)


def test_memory_is_used_again_when_neither_service_nor_reader_has_it(buffers: SharedBuffers) -> None:
    first = buffers.take(NUM_BYTES)
    place, memory = address(first), buffers.memory_of(first)
    reader = reader_of(memory)
    del first
    gc.collect()

    second = buffers.take(NUM_BYTES)
    reader.close()
    third = buffers.take(NUM_BYTES)

    assert address(second) != place
    assert buffers.memory_of(third) is memory
    assert address(third) == place


def test_a_reader_keeps_what_it_mapped(buffers: SharedBuffers) -> None:
    flat = buffers.take(NUM_BYTES)
    flat[:] = 7
    reader = reader_of(buffers.memory_of(flat))
    del flat

    for value in range(8):
        buffers.take(NUM_BYTES)[:] = value

    assert set(reader[:]) == {7}


def test_memory_kept_for_nobody_is_bounded(buffers: SharedBuffers) -> None:
    held = [buffers.take(NUM_BYTES) for _ in range(10)]
    assert buffers.num_bytes == 10 * NUM_BYTES

    held.clear()
    gc.collect()

    assert buffers.num_bytes == 4 * NUM_BYTES
    buffers.close()
    assert buffers.num_bytes == 0


def test_nothing_is_shared_where_that_is_switched_off() -> None:
    buffers = SharedBuffers(BufferPool(0), is_enabled=False)

    assert not buffers.wants(NUM_BYTES)
    assert buffers.memory_of(buffers.take(NUM_BYTES)) is None
