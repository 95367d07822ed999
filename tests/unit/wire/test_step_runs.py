from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.api.replay.v1 import replay_pb2
from heronry.types.errors import SchemaMismatchError
from heronry.types.experience import Run, RunItems
from heronry.wire.step_runs import run_from_proto, run_to_proto


def run_of(num_steps: int, num_items: int, *, has_history: bool = True) -> Run:
    rng = np.random.default_rng(num_steps + num_items)
    numbers = rng.integers(0, 1 << 20, (5, num_items))
    items = RunItems(
        starts=numbers[0].astype(np.uint32),
        lengths=numbers[1].astype(np.uint32),
        keys=numbers[2].astype(np.uint64) << np.uint64(40),
        priorities=rng.random(num_items),
        times_sampled=numbers[3].astype(np.uint32),
        behaviour_epochs=numbers[4].astype(np.uint64),
        behaviour_numbers=numbers[4].astype(np.uint64) + np.uint64(1),
    )
    columns = {"frame": rng.integers(0, 256, (num_steps, 3, 2), np.uint8), "reward": rng.random(num_steps)}
    history = rng.integers(0, 256, num_steps, np.uint8) if has_history else None
    return Run(7, 1 << 40, columns, items, history)


@given(st.integers(1, 20), st.integers(0, 20), st.booleans())
def test_a_run_comes_back_as_it_was(num_steps: int, num_items: int, has_history: bool) -> None:
    run = run_of(num_steps, num_items, has_history=has_history)

    back = run_from_proto(replay_pb2.Run.FromString(run_to_proto(run).SerializeToString()))

    assert (back.lane, back.first_step, back.num_steps) == (7, 1 << 40, num_steps)
    for path, array in run.columns.items():
        np.testing.assert_array_equal(back.columns[path], array)
    for field in fields(RunItems):
        expected = getattr(run.items, field.name)
        np.testing.assert_array_equal(getattr(back.items, field.name), expected)
        assert getattr(back.items, field.name).dtype == expected.dtype
    np.testing.assert_array_equal(back.history, run.history)


def test_columns_of_other_lengths_are_refused() -> None:
    run = run_of(3, 1)

    with pytest.raises(SchemaMismatchError, match=r"run\.columns\.reward\.shape"):
        run_from_proto(run_to_proto(replace(run, columns={**run.columns, "reward": np.zeros(2)})))


def test_a_history_of_another_length_is_refused() -> None:
    with pytest.raises(SchemaMismatchError, match=r"run\.history"):
        run_from_proto(run_to_proto(replace(run_of(3, 1), history=np.zeros(2, np.uint8))))


def test_items_that_lack_a_fact_are_refused() -> None:
    message = run_to_proto(run_of(3, 1))
    del message.item_columns[-1]
    del message.item_data[-1]

    with pytest.raises(SchemaMismatchError, match="@version"):
        run_from_proto(message)


def test_a_run_without_columns_is_refused() -> None:
    with pytest.raises(SchemaMismatchError, match=r"run\.columns"):
        run_from_proto(replay_pb2.Run(num_steps=1))
