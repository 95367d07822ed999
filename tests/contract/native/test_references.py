"""One suite over both twins of the reference counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import add_references, add_window_references
from heronry.native.backend import Loops


@given(st.lists(st.integers(0, 9), max_size=60), st.sampled_from([np.int32, np.int64]))
def test_pages_fall_to_zero_once_each_in_their_order(loops: Loops, pages: list[int], dtype: type) -> None:
    counts = np.zeros(10, dtype)
    asked = np.array(pages, np.int64)

    assert add_references(counts, asked, 1, loops=loops).tolist() == []
    np.testing.assert_array_equal(counts, np.bincount(asked, minlength=10))
    fallen = add_references(counts, asked, -1, loops=loops)

    assert not counts.any()
    assert fallen.tolist() == sorted(set(pages), key=lambda page: len(pages) - pages[::-1].index(page))


def test_pages_still_held_are_not_told(loops: Loops) -> None:
    counts = np.array([2, 1, 1])

    assert add_references(counts, np.array([0, 2]), -1, loops=loops).tolist() == [2]
    assert counts.tolist() == [1, 1, 0]


def test_giving_back_too_often_is_refused(loops: Loops) -> None:
    with pytest.raises(ValueError, match="more often"):
        add_references(np.array([1]), np.array([0, 0]), -1, loops=loops)


@pytest.mark.parametrize("page", [-1, 3])
def test_a_page_that_is_not_there_is_refused_and_nothing_changes(loops: Loops, page: int) -> None:
    counts = np.ones(3, np.int64)

    with pytest.raises(IndexError):
        add_references(counts, np.array([0, page]), -1, loops=loops)

    assert counts.tolist() == [1, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 79), st.integers(1, 40)), max_size=20))
def test_windows_hold_each_page_they_touch_once(loops: Loops, windows: list[tuple[int, int]]) -> None:
    next_page = np.array([3, -1, 1, 2, -1, -1, -1, -1])  # 0 -> 3 -> 2 -> 1 of 10 rows each; the others end
    chain = {0: [0, 3, 2, 1], 3: [3, 2, 1], 2: [2, 1]}
    lanes = np.array([2, 2, 2, 2, 1, 1, 1, 1])
    kept, touched = [], []
    for row, span in windows:
        page, local = divmod(row, 10)
        first, page_steps = local // lanes[page], 10 // lanes[page]
        pages = chain.get(page, [page])[: (first + span - 1) // page_steps + 1]
        if (first + span - 1) // page_steps < len(pages):
            kept.append((row, span))
            touched += pages
    rows, spans = (np.array(column, np.int64) for column in (zip(*kept, strict=True) if kept else ([], [])))
    counts = np.zeros(8, np.int32)

    add_window_references(counts, rows, spans, next_page, lanes, 10, 1, loops=loops)
    np.testing.assert_array_equal(counts, np.bincount(np.array(touched, np.int64), minlength=8))
    fallen = add_window_references(counts, rows, spans, next_page, lanes, 10, -1, loops=loops)

    assert not counts.any()
    assert fallen.tolist() == sorted(set(touched), key=lambda page: len(touched) - touched[::-1].index(page))


def test_a_window_past_its_chain_is_refused_and_nothing_changes(loops: Loops) -> None:
    counts = np.zeros(2, np.int64)

    with pytest.raises(IndexError):
        add_window_references(
            counts, np.array([0, 15]), np.array([3, 6]), np.full(2, -1), np.ones(2, np.int64), 10, 1, loops=loops
        )

    assert not counts.any()
