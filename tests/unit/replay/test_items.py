import numpy as np

from heronry.replay.core.items import GENERATION_BITS, Items
from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.windows import Windows
from heronry.types.version import ParameterVersion

FIRST = ParameterVersion(1, 2)


def added(items: Items, count: int, version: ParameterVersion = FIRST) -> np.ndarray:
    slots = items.next_slots(count)
    items.add(slots, Windows(np.arange(count)), np.ones(count, np.float32), version)
    return slots


def test_a_key_finds_its_item_until_it_goes() -> None:
    items = Items(10)
    slots = added(items, 5)
    keys = items.keys(slots)

    items.free(slots[1:3])

    found_slots, found = items.find(keys)
    assert found.tolist() == [True, False, False, True, True]
    assert found_slots[found].tolist() == slots[[0, 3, 4]].tolist()


def test_the_key_of_an_item_that_is_gone_never_finds_the_next_one_of_its_slot() -> None:
    items = Items(10)
    first = added(items, 1)
    key = items.keys(first)
    items.free(first)

    again = added(items, 1)

    assert again.tolist() == first.tolist()
    assert not items.find(key)[1].any()
    assert items.find(items.keys(again))[1].all()


def test_keys_that_were_never_given_out_find_nothing() -> None:
    empty, items = Items(10), Items(10)
    added(items, 3)
    strange = np.array([0, 2**64 - 1, 200 << GENERATION_BITS, 10**8 << GENERATION_BITS, 1 << 52], np.uint64)

    assert not empty.find(strange)[1].any()
    assert items.find(strange)[1].tolist() == [True, False, False, False, False]


def test_a_leased_item_is_found_by_nobody_and_is_not_free() -> None:
    items = Items(10)
    slots = added(items, 3)
    keys = items.keys(slots)

    items.lease(slots[:2])

    assert items.find(keys)[1].tolist() == [False, False, True]
    assert items.used_slots().tolist() == [0, 1, 2]
    assert items.leased_slots().tolist() == [0, 1]
    items.unlease(slots[:2])
    assert items.find(keys)[1].all()


def test_a_generation_comes_round_after_all_its_bits() -> None:
    items = Items(10)
    slots = added(items, 1)
    items.heads[slots] |= 2**GENERATION_BITS - 1
    items.free(slots)

    assert items.heads[slots].tolist() == [0]


def test_a_key_carries_its_shard_and_finds_nothing_in_another() -> None:
    items, other = Items(10, shard=5), Items(10, shard=6)
    keys = items.keys(added(items, 1))
    added(other, 1)

    assert int(keys[0]) >> 52 == 5
    assert items.find(keys)[1].all()
    assert not other.find(keys)[1].any()


def test_slots_are_dense_and_grow_with_need() -> None:
    items = Items(300)

    slots = np.concatenate([added(items, 200), added(items, 300), added(items, 2000)])

    assert sorted(slots.tolist()) == list(range(2500))
    assert items.used_slots().tolist() == list(range(2500))
    assert items.insertions[slots].tolist() == list(range(2500))


def test_ages_count_the_items_inserted_since_also_where_the_numbers_come_round() -> None:
    items = Items(10)
    items.num_insertions = 2**32 - 2

    slots = added(items, 5)

    assert items.ages(slots).tolist() == [4, 3, 2, 1, 0]
    assert items.by_age(slots[::-1]).tolist() == slots.tolist()


def test_a_version_is_kept_once_for_all_its_items_and_forgotten_with_the_last() -> None:
    items = Items(10)
    slots = [added(items, 2, ParameterVersion(1, number)) for number in (7, 8, 7)]
    assert len(items.versions) == 2
    assert items.versions.only is None

    items.free(slots[1])

    assert items.versions.only == (1, 7)
    assert items.versions.numbers[items.version_ids[slots[2]]].tolist() == [7, 7]


def test_a_state_restored_gives_out_the_same_slots_and_keys() -> None:
    items = Items(20, shard=3, has_lengths=True, has_leads=True)
    slots = items.next_slots(9)
    windows = Windows(np.arange(9), np.arange(9).astype(np.uint16), np.zeros(9, np.uint8))
    items.add(slots, windows, np.ones(9, np.float32), ParameterVersion(2, 3))
    items.free(slots[[4, 1]])
    restored = Items(20, shard=3, has_lengths=True, has_leads=True)

    restored.restore(items.state(CopySpace()))

    assert restored.keys(slots).tolist() == items.keys(slots).tolist()
    assert restored.next_slots(4).tolist() == items.next_slots(4).tolist() == [4, 1, 9, 10]
    assert restored.windows(slots).lengths.tolist() == list(range(9))
