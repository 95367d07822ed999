"""Mappings of a service's memory that outlive the arrays that were read."""

import os
from pathlib import Path

import numpy as np
import pytest

from heronry.client.mapped_memories import MappedMemories
from heronry.runtime.sealed_memory import IS_OFFERED, SealedMemory

pytestmark = pytest.mark.skipif(not IS_OFFERED, reason="sealed memory is Linux's")

NUM_BYTES = 8192


@pytest.fixture
def memory():
    memory = SealedMemory(NUM_BYTES)
    memory.bytes()[:] = 7
    yield memory
    memory.close()


def test_memory_is_read_in_place_and_not_writable(memory: SealedMemory) -> None:
    array = MappedMemories().array(memory.descriptor(), NUM_BYTES)
    memory.bytes()[0] = 9

    assert array[:3].tolist() == [9, 7, 7]
    assert not array.flags.writeable


def test_the_service_has_its_memory_back_once_no_array_refers_to_it(memory: SealedMemory) -> None:
    memories = MappedMemories()
    array = memories.array(memory.descriptor(), NUM_BYTES)
    part = array[10:20]

    del array
    was_shared = memory.is_shared()
    del part

    assert was_shared
    assert not memory.is_shared()


def test_memory_that_comes_again_is_not_mapped_again(memory: SealedMemory) -> None:
    memories = MappedMemories()
    first = memories.array(memory.descriptor(), NUM_BYTES).ctypes.data
    memory.bytes()[:] = 8

    again = memories.array(memory.descriptor(), NUM_BYTES)

    assert again.ctypes.data == first
    assert again[0] == 8
    assert memory.is_shared()


def test_memory_in_use_is_mapped_once_more_for_another_reader(memory: SealedMemory) -> None:
    memories = MappedMemories()

    first, second = (memories.array(memory.descriptor(), NUM_BYTES) for _ in range(2))
    del first

    assert second[0] == 7
    assert memory.is_shared()


def test_of_memory_out_of_use_no_more_than_four_mappings_are_kept() -> None:
    memories = MappedMemories()
    several = [SealedMemory(NUM_BYTES) for _ in range(6)]

    before = num_mappings()
    for memory in several:
        memories.array(memory.descriptor(), NUM_BYTES)
    kept = num_mappings() - before
    memories.close()
    memories.array(several[0].descriptor(), NUM_BYTES)

    assert kept == 4
    assert num_mappings() == before
    for memory in several:
        memory.close()


def test_memory_of_another_length_or_unsealed_is_refused(memory: SealedMemory) -> None:
    unsealed = os.memfd_create("unsealed")
    os.ftruncate(unsealed, NUM_BYTES)

    with pytest.raises(OSError, match="not 4096"):
        MappedMemories().array(memory.descriptor(), 4096)
    with pytest.raises(OSError, match="not sealed"):
        MappedMemories().array(unsealed, NUM_BYTES)

    assert not memory.is_shared()


def num_mappings() -> int:
    return Path("/proc/self/maps").read_text(encoding="utf-8").count("/memfd:heronry")


def test_arrays_outlive_what_kept_the_mappings(memory: SealedMemory) -> None:
    memories = MappedMemories()
    array = memories.array(memory.descriptor(), NUM_BYTES)

    memories.close()
    del memories

    assert np.all(array == 7)
