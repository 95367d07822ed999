from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.client.step_buffer import StepBuffer, block_steps_for
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

SPECS = (
    ColumnSpec("observation", ElementType.FLOAT32, (2,)),
    ColumnSpec("action", ElementType.UINT8, ()),
    ColumnSpec("done", ElementType.BOOL, ()),
)


def step(number: int) -> dict[str, Any]:
    return {"observation": [number, number], "action": number, "done": number % 2 == 1}


def steps_of(buffer: StepBuffer) -> list[Any]:
    return buffer.columns()["action"].tolist()


def test_steps_become_rows_of_columns() -> None:
    buffer = StepBuffer(SPECS, 1, 4)

    assert [buffer.put_step(step(n), None, False) for n in range(3)] == [False] * 3

    columns = buffer.columns()
    np.testing.assert_array_equal(columns["observation"], [[[0, 0]], [[1, 1]], [[2, 2]]])
    np.testing.assert_array_equal(columns["action"], [[0], [1], [2]])
    np.testing.assert_array_equal(columns["done"], [[False], [True], [False]])
    assert columns["observation"].dtype == np.float32
    assert buffer.priorities() is None
    assert buffer.lane_ends() is None


def test_a_block_is_complete_when_it_is_full() -> None:
    buffer = StepBuffer(SPECS, 1, 2)

    assert [buffer.put_step(step(n), None, False) for n in range(2)] == [False, True]

    buffer.clear()
    assert not buffer.is_complete
    buffer.put_step(step(7), None, False)
    assert steps_of(buffer) == [[7]]


def test_an_end_completes_the_block_and_is_told() -> None:
    buffer = StepBuffer(SPECS, 1, 8)
    buffer.put_step(step(0), None, False)

    assert buffer.put_step(step(1), None, True)

    ends = buffer.lane_ends()
    assert ends is not None
    assert ends.tolist() == [True]
    buffer.clear()
    buffer.put_step(step(2), None, False)
    assert buffer.lane_ends() is None


def test_priorities_are_kept_by_step() -> None:
    buffer = StepBuffer(SPECS, 1, 8)
    assert buffer.adopt(None, True)
    for number in range(2):
        buffer.put_step(step(number), 0.5 + number, False)

    np.testing.assert_array_equal(buffer.priorities(), [[0.5], [1.5]])


def test_steps_of_another_version_or_without_priority_do_not_join() -> None:
    buffer = StepBuffer(SPECS, 1, 8)
    first = ParameterVersion(1, 1)
    assert buffer.adopt(first, False)
    buffer.put_step(step(0), None, False)

    assert buffer.adopt(None, False)
    assert buffer.adopt(ParameterVersion(1, 1), False)
    assert not buffer.adopt(ParameterVersion(1, 2), False)
    assert not buffer.adopt(None, True)
    assert buffer.version == first


def test_a_batch_is_a_row_of_all_lanes() -> None:
    buffer = StepBuffer(SPECS, 3, 4)
    columns = {"observation": np.ones((3, 2)), "action": np.arange(3, dtype=np.uint8), "done": np.zeros(3, np.bool_)}

    buffer.put_batch(columns, None, None)
    is_complete = buffer.put_batch(columns, None, np.array([False, True, False]))

    assert is_complete
    assert steps_of(buffer) == [[0, 1, 2], [0, 1, 2]]
    ends = buffer.lane_ends()
    assert ends is not None
    assert ends.tolist() == [False, True, False]


def test_lanes_that_step_by_themselves_make_a_row_together() -> None:
    buffer = StepBuffer(SPECS, 2, 2)

    assert not buffer.put_lane_step(step(1), 1, None, False)
    assert (buffer.num_filled, buffer.num_begun) == (0, 1)
    assert not buffer.put_lane_step(step(0), 0, None, False)
    assert steps_of(buffer) == [[0, 1]]


def test_a_row_that_some_lanes_lack_goes_over_into_the_next_block() -> None:
    buffer = StepBuffer(SPECS, 2, 4)
    for lane in (0, 1, 0):
        buffer.put_lane_step(step(lane), lane, None, False)
    assert steps_of(buffer) == [[0, 1]]

    buffer.clear()
    buffer.put_lane_step(step(9), 1, None, False)

    assert steps_of(buffer) == [[0, 9]]


def test_a_lane_that_is_ahead_waits_for_the_others() -> None:
    buffer = StepBuffer(SPECS, 3, 4)
    buffer.put_lane_step(step(0), 0, None, False)

    with pytest.raises(InvalidArgumentError, match=r"\[1, 2\]"):
        buffer.put_lane_step(step(0), 0, None, False)
    with pytest.raises(InvalidArgumentError, match=r"\[1, 2\]"):
        buffer.check_lanes_level()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"extra": 1}, "step"),
        ({"observation": [1.0]}, "step.observation.shape"),
        ({"observation": 1.0}, "step.observation.shape"),
        ({"action": 1.5}, "step.action.element_type"),
        ({"action": 256}, "step.action"),
        ({"action": "left"}, "step.action.element_type"),
        ({"done": 1.0}, "step.done.element_type"),
    ],
)
def test_a_step_that_does_not_fit_is_refused_by_column_and_not_taken(change: dict[str, Any], field: str) -> None:
    buffer = StepBuffer(SPECS, 1, 4)

    with pytest.raises(SchemaMismatchError) as caught:
        buffer.put_step(step(0) | change, None, False)

    assert caught.value.details["field"] == field
    assert buffer.num_filled == 0


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        ({"action": 1, "done": True}, "step"),
        (step(1) | {"observation": [1.0, 2.0, 3.0]}, "step.observation.shape"),
        (step(1) | {"action": 256}, "step.action"),
        (step(1) | {"action": None}, "step.action.element_type"),
    ],
)
def test_later_steps_are_refused_by_what_numpy_does_not_assign(broken: dict[str, Any], field: str) -> None:
    buffer = StepBuffer(SPECS, 1, 4)
    buffer.put_step(step(0), None, False)

    with pytest.raises(SchemaMismatchError) as caught:
        buffer.put_step(broken, None, False)

    assert caught.value.details["field"] == field
    assert steps_of(buffer) == [[0]]


def test_a_block_has_256_steps_or_fewer_where_these_are_long() -> None:
    frame = ColumnSpec("frame", ElementType.UINT8, (84, 84))

    assert block_steps_for(SPECS, 1) == 256
    assert block_steps_for((frame,), 1) == (512 << 10) // (84 * 84)
    assert block_steps_for((frame,), 1000) == 1


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 6))
def test_blocks_one_after_the_other_are_the_steps_and_end_where_episodes_do(ends: list[bool], num_steps: int) -> None:
    buffer = StepBuffer(SPECS, 1, num_steps)
    found: list[tuple[int, bool]] = []

    def ship() -> None:
        actions = buffer.columns()["action"][:, 0].tolist()
        last = buffer.lane_ends() is not None
        found.extend((int(action), last and index == len(actions) - 1) for index, action in enumerate(actions))
        buffer.clear()

    for number, is_end in enumerate(ends):
        if buffer.put_step(step(number), None, is_end):
            ship()
    ship()

    assert found == list(enumerate(ends))
