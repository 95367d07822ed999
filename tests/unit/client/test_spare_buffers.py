import gc

import numpy as np

from heronry.client.spare_buffers import SpareBuffers

LENGTH = 1 << 20


def address_of(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_that_nobody_refers_to_is_lent_again() -> None:
    spare = SpareBuffers()
    first = spare.take(LENGTH)
    address = address_of(first)

    del first
    gc.collect()

    assert address_of(spare.take(LENGTH)) == address


def test_memory_is_kept_by_the_views_of_it() -> None:
    spare = SpareBuffers()
    first = spare.take(LENGTH)
    first[:] = 7
    view = first[100:200].view(np.uint32)

    del first
    gc.collect()
    spare.take(LENGTH)[:] = 0

    np.testing.assert_array_equal(view, np.full(25, 0x07070707, np.uint32))


def test_another_length_gets_memory_of_its_own() -> None:
    spare = SpareBuffers()
    spare.take(LENGTH)
    gc.collect()

    assert spare.take(2 * LENGTH).size == 2 * LENGTH
    assert spare.take(10).size == 10


def test_two_lengths_are_kept_beside_each_other() -> None:
    spare = SpareBuffers()
    addresses = {length: address_of(spare.take(length)) for length in (LENGTH, 2 * LENGTH)}
    gc.collect()

    assert {length: address_of(spare.take(length)) for length in (2 * LENGTH, LENGTH)} == addresses
