"""Memory that a service fills and a reader on the same machine maps."""

import asyncio
import gc
import mmap
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from heronry.client.shared_slots import MappedSlots, attach
from heronry.runtime.descriptor_socket import DescriptorSocket
from heronry.runtime.shared_slots import SharedSlots
from heronry.types.errors import InvalidArgumentError


@pytest.fixture
async def descriptors() -> AsyncIterator[DescriptorSocket]:
    listener = DescriptorSocket()
    yield listener
    await listener.close()


async def attached(listener: DescriptorSocket, slots: SharedSlots, given_back: list[int]) -> MappedSlots | None:
    path, token = listener.offer(slots.descriptor)
    return await asyncio.to_thread(attach, path, token, slots.num_slots, slots.slot_bytes, given_back.append)


async def test_a_reader_sees_what_the_owner_wrote_without_a_copy(descriptors: DescriptorSocket) -> None:
    slots = SharedSlots(2, 5000)
    mapped = await attached(descriptors, slots, [])
    assert mapped is not None
    slots.view(1)[:5000] = np.arange(5000) % 251

    seen = mapped.bytes_of(1, 5000)

    np.testing.assert_array_equal(seen, np.arange(5000) % 251)
    slots.view(1)[0] = 77
    assert seen[0] == 77
    assert not seen.flags.writeable


async def test_a_slot_comes_back_when_the_last_array_of_it_is_gone(descriptors: DescriptorSocket) -> None:
    given_back: list[int] = []
    mapped = await attached(descriptors, SharedSlots(2, 4096), given_back)
    assert mapped is not None
    column = mapped.bytes_of(1, 64).view(np.float32).reshape(2, 8)[:, 1:]

    gc.collect()
    assert given_back == []
    row = column[0]
    del column
    gc.collect()
    assert given_back == []
    del row
    gc.collect()

    assert given_back == [1]


async def test_a_reader_can_neither_write_nor_shrink_the_memory() -> None:
    slots = SharedSlots(1, 4096)

    with pytest.raises(PermissionError):
        mmap.mmap(slots.descriptor, 4096)
    with pytest.raises(OSError, match=r"not permitted|Invalid"):
        os.ftruncate(slots.descriptor, 0)
    # A descriptor opened anew through /proc is writable; the seals still hold.
    again = os.open(f"/proc/self/fd/{slots.descriptor}", os.O_RDWR)
    with pytest.raises(PermissionError):
        mmap.mmap(again, 4096)
    with pytest.raises(PermissionError):
        os.ftruncate(again, 0)
    os.close(again)
    slots.close()


async def test_a_token_is_good_once_and_a_wrong_one_never(descriptors: DescriptorSocket) -> None:
    slots = SharedSlots(1, 4096)
    path, token = descriptors.offer(slots.descriptor)

    def fetch(shown: bytes) -> bool:
        return attach(path, shown, 1, slots.slot_bytes, lambda slot: None) is not None

    assert not await asyncio.to_thread(fetch, bytes(16))
    assert await asyncio.to_thread(fetch, token)
    assert not await asyncio.to_thread(fetch, token)


async def test_a_reader_elsewhere_finds_no_socket_and_goes_on_without() -> None:
    assert attach("/nowhere/descriptors", bytes(16), 1, 4096, lambda slot: None) is None


async def test_memory_that_could_shrink_under_the_reader_is_refused(descriptors: DescriptorSocket) -> None:
    descriptor = os.memfd_create("unsealed")
    os.ftruncate(descriptor, 4096)
    path, token = descriptors.offer(descriptor)

    assert await asyncio.to_thread(attach, path, token, 1, 4096, lambda slot: None) is None
    os.close(descriptor)


async def test_the_socket_and_its_folder_are_private_and_go_with_it() -> None:
    listener = DescriptorSocket()
    slots = SharedSlots(1, 4096)
    path = Path(listener.offer(slots.descriptor)[0])

    assert path.parent.stat().st_mode & 0o777 == 0o700
    await listener.close()
    assert not path.parent.exists()


async def test_a_silent_peer_does_not_hold_up_another(descriptors: DescriptorSocket) -> None:
    slots = SharedSlots(1, 4096)
    path, token = descriptors.offer(slots.descriptor)
    with socket.socket(socket.AF_UNIX) as silent:
        await asyncio.to_thread(silent.connect, path)

        assert await asyncio.to_thread(attach, path, token, 1, slots.slot_bytes, lambda slot: None) is not None


def test_slots_are_taken_once_and_given_back_once() -> None:
    slots = SharedSlots(2, 1)

    assert [slots.take(), slots.take(), slots.take()] == [0, 1, None]
    slots.give_back(0)
    with pytest.raises(InvalidArgumentError, match=r"release\.slots: got 0"):
        slots.give_back(0)
    with pytest.raises(InvalidArgumentError, match=r"release\.slots: got 2"):
        slots.give_back(2)
    assert slots.take() == 0
