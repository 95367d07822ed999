from typing import Any

import numpy as np
import pytest

from heronry.client.item_arguments import checked_ends, checked_priorities, checked_priority, checked_slices
from heronry.client.priority_updates import checked_keys, checked_updates
from heronry.client.sample_header import sample_header
from heronry.types.errors import InvalidArgumentError
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 2)
POSITIONS = np.array([10, 20], np.uint64)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "high"])
def test_a_priority_that_cannot_be_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="priority"):
        checked_priority("priority", value)


def test_the_first_wrong_one_of_many_priorities_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match=r"priorities\[2\]: got nan"):
        checked_priorities("priorities", [0.0, 1.0, float("nan"), -1.0], (4,))


def test_priorities_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"priorities\.shape"):
        checked_priorities("priorities", [1.0, 2.0], (3,))


def test_ends_are_one_truth_a_lane() -> None:
    ends = checked_ends("ends", [True, False], 2)

    assert ends is not None
    assert ends.tolist() == [True, False]
    for wrong in ([1, 0], [True], True):
        with pytest.raises(InvalidArgumentError, match="ends"):
            checked_ends("ends", wrong, 2)


def test_slices_become_arrays_of_the_contract() -> None:
    items = checked_slices([0, 1], [5, 0], [5, 20], [1.0, 2.0], VERSION, POSITIONS)

    assert [a.dtype for a in (items.lanes, items.starts, items.lengths)] == [np.uint32, np.uint64, np.uint32]
    assert items.starts.tolist() == [5, 0]
    assert items.priorities is not None
    assert items.priorities.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([], [], []), "lanes"),
        (([2], [0], [1]), r"lanes\[0\]"),
        (([0, 0], [0, 6], [1, 5]), r"starts\[1\]"),
        (([0], [-1], [1]), r"starts\[0\]"),
        (([0], [0], [0]), r"lengths\[0\]"),
        (([0], [0, 1], [1]), "starts"),
        (([0], [0.5], [1]), "starts"),
    ],
)
def test_a_slice_of_what_was_not_appended_is_refused(arguments: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        checked_slices(*arguments, None, VERSION, POSITIONS)


def test_updates_need_a_priority_for_each_key() -> None:
    with pytest.raises(InvalidArgumentError, match="priorities"):
        checked_updates(np.arange(3, dtype=np.uint64), np.ones(2))


def test_keys_are_whole_numbers() -> None:
    with pytest.raises(InvalidArgumentError, match="keys"):
        checked_keys(np.ones(2))  # type: ignore[arg-type]  # the mistake
    assert checked_keys(np.array([1, 2])).dtype == np.uint64


def test_several_tables_are_shares_in_their_order() -> None:
    header = sample_header({"b": 1.0, "a": 3}, 8, ["reward"], independent=True)

    assert [(s.table, s.weight) for s in header.shares] == [("b", 1.0), ("a", 3.0)]
    assert (header.table, header.batch_size, list(header.columns)) == ("", 8, ["reward"])
    assert header.independent
    assert not header.without_replacement


@pytest.mark.parametrize(
    ("tables", "batch_size", "columns", "field"),
    [
        ({}, 1, (), "table"),
        ({"a": 0.0}, 1, (), "table['a']"),
        ({"a": float("nan")}, 1, (), "table['a']"),
        ({"a": "1"}, 1, (), "table['a']"),
        ("a", 0, (), "batch_size"),
        ("a", 1, "reward", "columns"),
        ("a", 1, [1], "columns"),
    ],
)
def test_a_reader_that_cannot_be_is_refused_by_field(tables: Any, batch_size: int, columns: Any, field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        sample_header(tables, batch_size, columns)

    assert caught.value.details["field"] == field
