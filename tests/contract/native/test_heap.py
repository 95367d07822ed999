"""One suite over both twins of the indexed heap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import heap_delete, heap_insert, heap_is_valid, heap_update
from heronry.native.backend import Loops

CAPACITY = 24
priorities = st.sampled_from([0.0, 0.5, 1.0, 2.0, float("inf")]) | st.floats(0, 10)
changes = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "delete"]), st.dictionaries(st.integers(0, CAPACITY - 1), priorities)
    ),
    max_size=20,
)


class Held:
    """A heap and what it should hold: (priority, order) by slot."""

    def __init__(self, loops: Loops) -> None:
        self.loops = loops
        self.heap = np.zeros(CAPACITY, np.uint32)
        self.position = np.zeros(CAPACITY, np.uint32)
        self.priorities = np.zeros(CAPACITY)
        self.orders = np.zeros(CAPACITY, np.uint64)
        self.size = 0
        self.clock = 0
        self.expected: dict[int, tuple[float, int]] = {}

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
        return self.heap, self.position, self.priorities, self.orders, self.size

    def insert(self, values: dict[int, float]) -> None:
        values = {slot: value for slot, value in values.items() if slot not in self.expected}
        slots = np.array(list(values), np.int64)
        self.priorities[slots] = list(values.values())
        self.orders[slots] = self._note(values)
        self.size = heap_insert(*self.arrays, slots, loops=self.loops)

    def update(self, values: dict[int, float]) -> None:
        values = {slot: value for slot, value in values.items() if slot in self.expected}
        first = self.clock
        self._note(values)
        slots, new = np.array(list(values), np.int64), np.array(list(values.values()), np.float64)
        heap_update(*self.arrays, slots, new, first, loops=self.loops)

    def delete(self, values: dict[int, float]) -> None:
        slots = [slot for slot in values if slot in self.expected]
        for slot in slots:
            del self.expected[slot]
        self.size = heap_delete(*self.arrays, np.array(slots, np.int64), loops=self.loops)

    def _note(self, values: dict[int, float]) -> list[int]:
        orders = list(range(self.clock, self.clock + len(values)))
        self.expected.update({s: (v, o) for (s, v), o in zip(values.items(), orders, strict=True)})
        self.clock += len(values)
        return orders


@given(changes)
def test_the_first_slot_is_the_one_a_sorted_list_begins_with(
    loops: Loops, steps: list[tuple[str, dict[int, float]]]
) -> None:
    held = Held(loops)
    for name, values in steps:
        getattr(held, name)(values)

        assert heap_is_valid(*held.arrays, loops=loops)
        assert sorted(held.heap[: held.size].tolist()) == sorted(held.expected)
        if held.size:
            assert held.heap[0] == min(held.expected, key=lambda slot: held.expected[slot])


@given(changes)
def test_taking_the_first_again_and_again_gives_the_sorted_order(
    loops: Loops, steps: list[tuple[str, dict[int, float]]]
) -> None:
    held = Held(loops)
    for name, values in steps:
        getattr(held, name)(values)
    in_order = sorted(held.expected, key=lambda slot: held.expected[slot])

    taken = []
    while held.size:
        taken.append(int(held.heap[0]))
        held.delete({taken[-1]: 0.0})

    assert taken == in_order


@given(changes)
def test_both_twins_lay_the_heap_out_alike(twins: list[Loops], steps: list[tuple[str, dict[int, float]]]) -> None:
    both = [Held(loops) for loops in twins]
    for name, values in steps:
        for held in both:
            getattr(held, name)(values)

    assert both[0].heap[: both[0].size].tolist() == both[1].heap[: both[1].size].tolist()
    np.testing.assert_array_equal(both[0].position, both[1].position)


def test_the_last_priority_of_a_repeated_slot_wins(loops: Loops) -> None:
    held = Held(loops)
    held.insert({0: 1.0, 1: 2.0})

    heap_update(*held.arrays, np.array([0, 0]), np.array([0.0, 3.0]), 2, loops=loops)

    assert held.heap[0] == 1
    assert (held.priorities[0], held.orders[0]) == (3.0, 3)


def test_a_broken_heap_is_told(loops: Loops) -> None:
    held = Held(loops)
    held.insert({slot: float(slot) for slot in range(10)})

    held.priorities[9] = -1.0

    assert not heap_is_valid(*held.arrays, loops=loops)


def test_what_cannot_be_is_refused(loops: Loops) -> None:
    held = Held(loops)
    held.insert({0: 1.0})

    with pytest.raises(ValueError, match="already"):
        heap_insert(*held.arrays, np.array([0]), loops=loops)
    with pytest.raises(ValueError, match="not in the heap"):
        heap_delete(*held.arrays, np.array([1]), loops=loops)
    with pytest.raises(ValueError, match="not in the heap"):
        heap_update(*held.arrays, np.array([1]), np.array([1.0]), 5, loops=loops)
    for slot in (-1, CAPACITY):
        with pytest.raises(IndexError):
            heap_delete(*held.arrays, np.array([slot]), loops=loops)
