"""One suite over both twins of the item keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import item_keys, items_find
from heronry.native.backend import Loops

LIVE = 1 << 31
CAPACITY = 20

parts = st.tuples(st.integers(0, 4095), st.integers(0, (1 << 28) - 1), st.integers(0, (1 << 24) - 1))
near = st.tuples(st.just(5), st.integers(0, CAPACITY + 2), st.integers(0, 3))


@given(st.lists(st.integers(0, CAPACITY - 1), max_size=40), st.integers(0, 4095), st.integers(0, 2**32 - 1))
def test_a_key_leads_back_to_its_slot_while_the_item_lives(
    loops: Loops, slots: list[int], shard: int, seed: int
) -> None:
    generations = np.random.default_rng(seed).integers(0, 1 << 32, CAPACITY).astype(np.uint32)
    asked = np.array(slots, np.int64)

    found_slots, found = items_find(item_keys(asked, generations, shard, loops=loops), generations, shard, loops=loops)

    np.testing.assert_array_equal(found_slots, asked)
    np.testing.assert_array_equal(found, generations[asked] >= LIVE)


@given(st.lists(parts | near, max_size=40))
def test_a_key_is_found_when_shard_slot_generation_and_life_agree(
    loops: Loops, wanted: list[tuple[int, int, int]]
) -> None:
    generations = np.arange(CAPACITY, dtype=np.uint32) % 3 | np.where(np.arange(CAPACITY) % 4, LIVE, 0).astype(
        np.uint32
    )
    keys = np.array([shard << 52 | slot << 24 | generation for shard, slot, generation in wanted], np.uint64)

    slots, found = items_find(keys, generations, 5, loops=loops)

    for (shard, slot, generation), got, is_found in zip(wanted, slots, found, strict=True):
        exists = shard == 5 and slot < CAPACITY
        assert got == (slot if exists else 0)
        assert is_found == (exists and slot % 3 == generation and slot % 4 != 0)


def test_the_bits_are_where_the_contract_says(loops: Loops) -> None:
    generations = np.array([0, LIVE | 0x40000007], np.uint32)

    assert item_keys(np.array([1]), generations, 0xABC, loops=loops).tolist() == [0xABC << 52 | 1 << 24 | 7]


def test_nothing_is_found_where_there_are_no_items(loops: Loops) -> None:
    slots, found = items_find(np.array([0, 2**64 - 1], np.uint64), np.zeros(0, np.uint32), 0, loops=loops)

    assert (slots.tolist(), found.tolist()) == ([0, 0], [False, False])


@pytest.mark.parametrize("slot", [-1, 3])
def test_keys_of_slots_that_are_not_there_are_refused(loops: Loops, slot: int) -> None:
    with pytest.raises(IndexError):
        item_keys(np.array([slot]), np.zeros(3, np.uint32), 0, loops=loops)
