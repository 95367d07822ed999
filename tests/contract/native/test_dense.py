"""One suite over both twins of the dense set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import dense_delete, dense_insert
from heronry.native.backend import Loops

operations = st.lists(st.sets(st.integers(0, 29), max_size=30), max_size=25)


def run(loops: Loops, changes: list[set[int]]) -> tuple[list[int], set[int]]:
    """Toggle slots: those that are in go, the others come."""
    dense, position = np.zeros(30, np.uint32), np.zeros(30, np.uint32)
    size = 0
    held: set[int] = set()
    for change in changes:
        leaving, coming = np.array(sorted(change & held), np.int64), np.array(sorted(change - held), np.int64)
        size = dense_delete(dense, position, size, leaving, loops=loops)
        size = dense_insert(dense, position, size, coming, loops=loops)
        held ^= change
        np.testing.assert_array_equal(position[dense[:size]], np.arange(size))
    return dense[:size].tolist(), held


@given(operations)
def test_the_set_holds_what_was_put_in_and_not_taken_out(loops: Loops, changes: list[set[int]]) -> None:
    dense, held = run(loops, changes)

    assert sorted(dense) == sorted(held)


@given(operations)
def test_both_twins_keep_the_same_order(twins: list[Loops], changes: list[set[int]]) -> None:
    assert run(twins[0], changes) == run(twins[1], changes)


def test_holes_are_filled_with_the_last_slots_in_their_order(loops: Loops) -> None:
    dense, position = np.zeros(8, np.uint32), np.zeros(8, np.uint32)
    size = dense_insert(dense, position, 0, np.arange(8), loops=loops)

    size = dense_delete(dense, position, size, np.array([2, 6, 0]), loops=loops)

    assert dense[:size].tolist() == [7, 1, 5, 3, 4]


def test_slots_that_are_not_in_the_set_are_refused(loops: Loops) -> None:
    dense, position = np.zeros(4, np.uint32), np.zeros(4, np.uint32)
    size = dense_insert(dense, position, 0, np.array([0, 1, 2]), loops=loops)
    size = dense_delete(dense, position, size, np.array([2]), loops=loops)

    for slot in (2, 3, 4):
        with pytest.raises(IndexError):
            dense_delete(dense, position, size, np.array([slot]), loops=loops)
    with pytest.raises(IndexError):
        dense_insert(dense, position, size, np.array([2, 3, 2]), loops=loops)
