import numpy as np

from heronry.replay.core.items import GENERATION_BITS, Items


def added(items: Items, count: int) -> np.ndarray:
    return items.add(np.arange(count), np.ones(count), 1, 2)


def test_a_key_finds_its_item_until_it_goes() -> None:
    items = Items()
    slots = added(items, 5)
    keys = items.keys(slots)

    items.free(slots[1:3])

    found_slots, found = items.find(keys)
    assert found.tolist() == [True, False, False, True, True]
    assert found_slots[found].tolist() == slots[[0, 3, 4]].tolist()


def test_the_key_of_an_item_that_is_gone_never_finds_the_next_one_of_its_slot() -> None:
    items = Items()
    first = added(items, 1)
    key = items.keys(first)
    items.free(first)

    again = added(items, 1)

    assert again.tolist() == first.tolist()
    assert not items.find(key)[1].any()
    assert items.find(items.keys(again))[1].all()


def test_keys_that_were_never_given_out_find_nothing() -> None:
    empty, items = Items(), Items()
    added(items, 3)
    strange = np.array([0, 2**64 - 1, 200 << GENERATION_BITS, 10**9 << GENERATION_BITS], np.uint64)

    assert not empty.find(strange)[1].any()
    assert items.find(strange)[1].tolist() == [True, False, False, False]


def test_a_generation_comes_round_after_all_its_bits() -> None:
    items = Items()
    slots = added(items, 1)
    items.generations[slots] = 2**GENERATION_BITS - 1
    items.free(slots)

    assert items.generations[slots].tolist() == [0]


def test_a_key_carries_its_shard() -> None:
    items = Items(shard=5)

    assert int(items.keys(added(items, 1))[0]) >> 52 == 5


def test_slots_are_dense_and_grow_with_need() -> None:
    items = Items()

    slots = np.concatenate([added(items, 200), added(items, 300), added(items, 2000)])

    assert sorted(slots.tolist()) == list(range(2500))
    assert items.used_slots().tolist() == list(range(2500))
    assert items.insertions[slots].tolist() == list(range(2500))
