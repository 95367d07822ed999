"""Columns that lie in the memory of others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.columns import successors
from heronry.types.tensors import Array

windows = st.tuples(st.integers(0, 5), st.integers(1, 4), st.sampled_from([1, 2]))


@given(st.dictionaries(st.text(min_size=1, max_size=3), windows, max_size=6), st.booleans())
def test_a_successor_lies_where_the_other_column_goes_on(taken: dict[str, tuple[int, int, int]], swaps: bool) -> None:
    memory: Array = np.arange(20 * 3).reshape(3, 20).T if swaps else np.arange(20 * 3).reshape(20, 3)
    columns = {path: memory[first : first + count * step : step] for path, (first, count, step) in taken.items()}

    found = successors(columns)

    for path, of in found.items():
        (first, count, step), (other_first, other_count, other_step) = taken[path], taken[of]
        assert (count, step if count > 1 else 1) == (other_count, other_step if other_count > 1 else 1)
        np.testing.assert_array_equal(columns[path][:-1], columns[of][1:])
        assert first == other_first + step
    # Nothing that is left out itself stands for another.
    assert not found.keys() & set(found.values())


def test_what_is_merely_equal_or_lies_elsewhere_is_no_successor() -> None:
    memory = np.arange(12).reshape(6, 2)
    shown = memory[:-1]

    assert successors({"a": shown, "b": memory[1:]}) == {"b": "a"}
    assert successors({"b": memory[1:], "a": shown}) == {"b": "a"}
    assert successors({"a": shown, "b": memory[1:].copy()}) == {}
    assert successors({"a": shown, "b": memory[1:].view(np.uint64)}) == {}
    assert successors({"a": shown, "b": memory[1:-1]}) == {}
    assert successors({"a": shown, "b": shown}) == {}
    assert successors({"a": memory[:-2], "b": memory[1:-1], "c": memory[2:]}) == {"b": "a"}
    repeated = np.broadcast_to(memory[0], (4, 2))
    assert successors({"a": repeated, "b": repeated}) == {}
    assert successors({"a": np.zeros((3, 0)), "b": np.zeros((3, 0))[:]}) == {}
