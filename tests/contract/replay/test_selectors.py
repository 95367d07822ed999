"""What every selector of items keeps, whatever it chooses by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.selector import ItemSelector
from heronry.replay.core.selectors import make_selector
from heronry.types.tables import Selector

KINDS = [Selector.fifo(), Selector.uniform(), Selector.prioritized(0.6)]

operations = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "take", "draw", "update", "restore", "clear"]), st.integers(1, 40)),
    max_size=40,
)


def priorities_of(slots: list[int]) -> np.ndarray:
    return np.array([(s * 13 % 7) / 2 for s in slots], np.float64)


def as_slots(slots: list[int]) -> np.ndarray:
    return np.array(slots, np.int64)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.kind.value)
@settings(max_examples=60, deadline=None)
@given(operations=operations, seed=st.integers(0, 2**32 - 1))
def test_members_are_those_inserted_and_not_removed(kind: Selector, operations: list, seed: int) -> None:
    selector = make_selector(kind)
    rng = np.random.default_rng(seed)
    members: list[int] = []
    free = list(range(3000))[::-1]
    for name, count in operations:
        if name in {"insert", "restore"}:
            slots = [free.pop() for _ in range(count)]
            getattr(selector, name)(as_slots(slots), priorities_of(slots))
            members = members + slots if name == "insert" else slots + members
        elif name == "clear":
            selector.clear()
            free.extend(members)
            members = []
        elif members:
            members = _apply(selector, name, count, members, rng, free, in_order=kind.kind.value == "fifo")
        assert len(selector) == len(members)
    remaining = selector.take(len(members) + 1, rng).slots.tolist() if members else []
    assert sorted(remaining) == sorted(members)
    assert kind.kind.value != "fifo" or remaining == members


def _apply(
    selector: ItemSelector,
    name: str,
    count: int,
    members: list[int],
    rng: np.random.Generator,
    free: list[int],
    *,
    in_order: bool,
) -> list[int]:
    if name == "delete":
        gone = rng.permutation(members)[:count].tolist()
        selector.delete(as_slots(gone))
    elif name == "take":
        gone = selector.take(count, rng).slots.tolist()
        assert len(gone) == len(set(gone)) == min(count, len(members))
        assert not in_order or gone == members[:count]
    else:
        gone = []
        if name == "update":
            selector.update(as_slots(members[:count]), np.ones(len(members[:count])))
        drawn, probabilities = selector.draw(count, rng)
        assert set(drawn.tolist()) <= set(members)
        assert not in_order or set(drawn.tolist()) == {members[0]}
        assert ((probabilities > 0) & (probabilities <= 1 + 1e-12)).all()
    assert set(gone) <= set(members)
    free.extend(gone)
    return [m for m in members if m not in set(gone)]


@pytest.mark.parametrize("kind", [Selector.uniform(), Selector.prioritized(0.0)], ids=lambda k: k.kind.value)
def test_uniform_choices_are_uniform(kind: Selector) -> None:
    # 100,000 draws over 10 slots: chi-square with 9 degrees, passing 48.9 has probability 1.7e-7.
    selector = make_selector(kind)
    slots = np.arange(12)
    selector.insert(slots, np.full(12, 3.0))
    selector.delete(np.array([0, 7]))

    counts = np.bincount(selector.draw(100_000, np.random.default_rng(4)).slots, minlength=12)

    assert counts[[0, 7]].tolist() == [0, 0]
    assert ((np.delete(counts, [0, 7]) - 10_000) ** 2 / 10_000).sum() < 48.9
