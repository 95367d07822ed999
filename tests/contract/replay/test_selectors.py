"""What every selector of items keeps, whatever it chooses by."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.reserved import CopySpace
from heronry.replay.core.selectors import make_selector
from heronry.replay.core.state import first_difference
from heronry.types.tables import Selector, SelectorKind

KINDS = [
    Selector.fifo(),
    Selector.lifo(),
    Selector.uniform(),
    Selector.min_heap(),
    Selector.max_heap(),
    Selector.prioritized(0.6),
]
all_kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.kind.value)

operations = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "choose", "draw", "update", "put_back", "clear", "restore"]),
        st.integers(1, 40),
    ),
    max_size=30,
)


def priorities_of(slots: list[int], salt: int = 0) -> np.ndarray:
    return np.array([(s * 13 + salt) % 7 / 2 for s in slots], np.float32)


def as_slots(slots: list[int]) -> np.ndarray:
    return np.array(slots, np.int64)


@dataclass
class Reference:
    """Members as a list in the order of insertion, with priority and the time of the last insert or update."""

    kind: SelectorKind
    members: list[int] = field(default_factory=list)
    priorities: dict[int, float] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    now: int = 0
    before: int = 0

    def insert(self, slots: list[int], priorities: np.ndarray) -> None:
        self.members += slots
        self.update(slots, priorities)

    def put_back(self, slots: list[int], priorities: np.ndarray) -> None:
        # Before all others in the order of drawing: at the front of a queue, on top of a stack.
        self.members = self.members + slots if self.kind is SelectorKind.LIFO else slots + self.members
        self.before -= len(slots)
        for index, slot in enumerate(slots):
            self.priorities[slot], self.times[slot] = float(priorities[index]), self.before + index

    def update(self, slots: list[int], priorities: np.ndarray) -> None:
        for slot, priority in zip(slots, priorities.tolist(), strict=True):
            self.now += 1
            self.priorities[slot], self.times[slot] = priority, self.now

    def ranked(self) -> list[int] | None:
        """Return the members in the order in which they are chosen, where it is a fixed one."""
        match self.kind:
            case SelectorKind.FIFO:
                return list(self.members)
            case SelectorKind.LIFO:
                return self.members[::-1]
            case SelectorKind.MIN_HEAP:
                return sorted(self.members, key=lambda s: (self.priorities[s], self.times[s]))
            case SelectorKind.MAX_HEAP:
                return sorted(self.members, key=lambda s: (-self.priorities[s], self.times[s]))
        return None


class Subject:
    """A selector beside its reference."""

    def __init__(self, kind: Selector, seed: int) -> None:
        self.kind = kind
        self.rng = np.random.default_rng(seed)
        # Room for a few only: it has to grow.
        self.selector = make_selector(kind, 20)
        self.reference = Reference(kind.kind)
        self.free = list(range(3000))[::-1]

    def run(self, name: str, count: int) -> None:
        members = self.reference.members
        if name in {"insert", "put_back"}:
            self._add(name, [self.free.pop() for _ in range(count)])
        elif name == "clear":
            self.selector.clear()
            self.free.extend(members)
            self.reference = Reference(self.kind.kind)
        elif name == "restore":
            fresh = make_selector(self.kind, 1)
            fresh.restore(self.selector.state(CopySpace()))
            assert first_difference(fresh.state(CopySpace()), self.selector.state(CopySpace())) is None
            self.selector = fresh
        elif members:
            getattr(self, f"_{name}")(count)
        assert len(self.selector) == len(self.reference.members)

    def _add(self, name: str, slots: list[int]) -> None:
        priorities = priorities_of(slots)
        getattr(self.selector, name)(as_slots(slots), priorities)
        getattr(self.reference, name)(slots, priorities)

    def _delete(self, count: int) -> None:
        gone = self.rng.permutation(self.reference.members)[:count].tolist()
        self.selector.delete(as_slots(gone))
        self.reference.members = [m for m in self.reference.members if m not in gone]
        self.free.extend(gone)

    def _update(self, count: int) -> None:
        slots = self.rng.choice(self.reference.members, count).tolist()
        priorities = priorities_of(list(range(count)), salt=count)
        self.selector.update(as_slots(slots), priorities)
        self.reference.update(slots, priorities)

    def _choose(self, count: int) -> None:
        members = self.reference.members
        excluded = self.rng.permutation(members)[: count % 4].tolist()
        allowed = [m for m in members if m not in excluded]
        slots, probabilities = self.selector.choose(count, self.rng, as_slots(excluded))
        assert len(set(slots.tolist())) == len(slots) == min(count, len(allowed))
        assert set(slots.tolist()) <= set(allowed)
        assert ((probabilities > 0) & (probabilities <= 1)).all()
        ranked = self.reference.ranked()
        if ranked is not None:
            assert slots.tolist() == [m for m in ranked if m not in excluded][:count]
            assert (probabilities == 1).all()

    def _draw(self, count: int) -> None:
        slots, probabilities = self.selector.draw(count, self.rng)
        assert len(slots) == len(probabilities) == count
        assert set(slots.tolist()) <= set(self.reference.members)
        np.testing.assert_array_equal(probabilities, self.selector.probabilities(slots))
        ranked = self.reference.ranked()
        assert ranked is None or set(slots.tolist()) == {ranked[0]}


@all_kinds
@settings(max_examples=60)
@given(operations=operations, seed=st.integers(0, 2**32 - 1))
def test_members_and_order_are_those_of_a_list(kind: Selector, operations: list, seed: int) -> None:
    subject = Subject(kind, seed)
    for name, count in operations:
        subject.run(name, count)

    members = subject.reference.members
    remaining = subject.selector.choose(len(members) + 1, subject.rng).slots.tolist() if members else []
    assert sorted(remaining) == sorted(members)
    assert remaining == (subject.reference.ranked() or remaining)


@all_kinds
@settings(max_examples=25)
@given(operations=operations, seed=st.integers(0, 2**32 - 1))
def test_a_selector_restored_draws_what_the_other_would(kind: Selector, operations: list, seed: int) -> None:
    subject = Subject(kind, seed)
    for name, count in [("insert", 5), *operations, ("insert", 3)]:
        subject.run(name, count)
    restored = make_selector(kind, 4)
    restored.restore(subject.selector.state(CopySpace()))

    for selector in (subject.selector, restored):
        selector.delete(as_slots(subject.reference.members[1:3]))
        selector.insert(as_slots([2999, 2998]), priorities_of([2999, 2998]))
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)

    for draw in range(1, 6):
        left, right = subject.selector.draw(draw, one), restored.draw(draw, other)
        assert (left.slots.tolist(), left.probabilities.tolist()) == (
            right.slots.tolist(),
            right.probabilities.tolist(),
        )
        assert subject.selector.choose(draw, one).slots.tolist() == restored.choose(draw, other).slots.tolist()
    assert one.bit_generator.state == other.bit_generator.state


@all_kinds
def test_choosing_takes_nothing_out(kind: Selector) -> None:
    selector = make_selector(kind, 20)
    selector.insert(as_slots(range(9)), priorities_of(list(range(9))))
    state = selector.state(CopySpace())

    selector.choose(5, np.random.default_rng(1), as_slots([3]))
    selector.draw(5, np.random.default_rng(1))

    assert first_difference(selector.state(CopySpace()), state) is None


@all_kinds
def test_the_mass_is_the_number_of_items_or_the_sum_of_weights(kind: Selector) -> None:
    selector = make_selector(kind, 4)
    selector.insert(as_slots([0, 1, 2]), np.array([0.0, 1.0, 32.0], np.float32))

    assert selector.mass == pytest.approx(0 + 1 + 32**0.6 if kind.kind is SelectorKind.PRIORITIZED else 3)


@pytest.mark.parametrize("kind", [Selector.uniform(), Selector.prioritized(0.0)], ids=lambda k: k.kind.value)
def test_uniform_choices_are_uniform(kind: Selector) -> None:
    # 100,000 draws over 10 slots: chi-square with 9 degrees, passing 48.9 has probability 1.7e-7.
    selector = make_selector(kind, 12)
    selector.insert(np.arange(12), np.full(12, 3.0, np.float32))
    selector.delete(np.array([0, 7]))

    slots = selector.draw(100_000, np.random.default_rng(4), independent=True).slots
    counts = np.bincount(slots, minlength=12)

    assert counts[[0, 7]].tolist() == [0, 0]
    assert ((np.delete(counts, [0, 7]) - 10_000) ** 2 / 10_000).sum() < 48.9


@pytest.mark.parametrize("kind", [Selector.uniform(), Selector.prioritized(0.0)], ids=lambda k: k.kind.value)
def test_choices_without_replacement_are_uniform_over_pairs(kind: Selector) -> None:
    # 12,000 ordered pairs out of 4 slots, one excluded: 6 pairs; chi-square with 5 degrees, passing 41 has
    # probability 9.4e-8.
    selector = make_selector(kind, 4)
    selector.insert(np.arange(4), np.ones(4, np.float32))
    rng = np.random.default_rng(6)
    counts = np.zeros((4, 4))

    for _ in range(12_000):
        first, second = selector.choose(2, rng, as_slots([1])).slots
        counts[first, second] += 1

    pairs = counts[counts > 0]
    assert len(pairs) == 6
    assert ((pairs - 2000) ** 2 / 2000).sum() < 41
