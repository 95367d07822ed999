import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.step_pool import StorageSettings
from heronry.replay.core.step_store import StepStore
from heronry.replay.core.windows import StoredRun, Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn, StackStart
from heronry.types.tensors import ElementType

STEP = ColumnSpec("step", ElementType.INT64, ())
DONE = ColumnSpec("done", ElementType.BOOL, ())
SPECS = (STEP, DONE)


def store_of(pattern: Pattern) -> StepStore:
    made = StorageSettings(compressed_columns=("step",))
    return StepStore("t", SPECS, pattern, ByteBudget(64 << 20), settings=made)


@settings(max_examples=40)
@given(
    num_steps=st.integers(1, 12),
    period=st.integers(1, 15),
    stack=st.integers(1, 4),
    episode_end=st.sampled_from(EpisodeEnd),
    blocks=st.lists(st.integers(1, 400), min_size=1, max_size=5),
    max_steps=st.integers(1, 60),
    seed=st.integers(0, 1 << 30),
)
def test_runs_taken_out_and_in_again_give_the_same_items(
    num_steps: int,
    period: int,
    stack: int,
    episode_end: EpisodeEnd,
    blocks: list[int],
    max_steps: int,
    seed: int,
) -> None:
    columns = (PatternColumn("step", stack=stack, stack_start=StackStart.ZERO), PatternColumn("done"))
    pattern = Pattern(num_steps, period, columns, episode_end, ("done",))
    store, other = store_of(pattern), store_of(pattern)
    rng = np.random.default_rng(seed)
    strands, parts = store.open_strands(3), []
    for index, steps in enumerate(blocks):
        values = np.arange(steps * 3).reshape(steps, 3) + 10_000 * index
        done = rng.random(values.shape) < 0.05
        parts.append(store.append(strands, {"step": values, "done": done}, steps).windows)
    windows = Windows.concatenate(parts)
    windows = windows[np.sort(rng.permutation(len(windows))[: rng.integers(0, len(windows) + 1)])]
    wanted = store.gather(windows)
    [strand] = other.open_strands(1)

    runs = list(store.runs(windows, max_steps))
    appended = [other.append_run(strand, run) for run in runs]

    indices = np.concatenate([run.indices for run in runs]) if runs else np.zeros(0, np.int64)
    assert sorted(indices.tolist()) == list(range(len(windows)))
    if runs:
        moved = Windows.concatenate([a.windows for a in appended])
        found = other.gather(moved[np.argsort(indices)])
        for name, array in wanted.items():
            np.testing.assert_array_equal(found[name], array, err_msg=name)
    assert all(run.num_steps <= max(max_steps, num_steps + stack - 1) for run in runs)
    assert [int(run.indices.min()) for run in runs] == sorted(int(run.indices.min()) for run in runs)
    again = list(other.runs(Windows.concatenate([a.windows for a in appended]), max_steps)) if runs else []
    # What lay apart stays apart.
    assert sum(run.num_steps for run in again) <= sum(run.num_steps for run in runs)
    strand.cut()
    for each in appended:
        other.release(each.windows)
    assert other.num_bytes == 0


def test_overlapping_items_come_as_one_run_with_each_step_once() -> None:
    store = store_of(Pattern(4, 2))
    strands = store.open_strands(2)
    values = np.arange(20).reshape(10, 2)
    windows = store.append(strands, {"step": values, "done": values < 0}, 10).windows

    first, second = store.runs(windows, 100)

    assert first.columns["step"].tolist() == list(range(0, 20, 2))
    assert first.starts.tolist() == [0, 2, 4, 6]
    assert first.lengths.tolist() == [4] * 4
    assert first.indices.tolist() == [0, 2, 4, 6]
    assert second.columns["step"].tolist() == list(range(1, 20, 2))
    assert (first.first_step, second.first_step, second.lane - first.lane) == (0, 0, 1)
    assert first.history is None


def test_a_cut_begins_another_lane_at_step_0() -> None:
    store = store_of(Pattern())
    [strand] = store.open_strands(1)
    block = {"step": np.arange(3)[:, None], "done": np.zeros((3, 1), np.bool_)}
    before = store.append([strand], block, 3).windows
    strand.cut()
    after = store.append([strand], block, 3).windows

    first, second = store.runs(Windows.concatenate([before, after]), 100)

    assert first.lane != second.lane
    assert (first.first_step, second.first_step) == (0, 0)


def run_of(**changes: object) -> StoredRun:
    columns = {"step": np.arange(5), "done": np.zeros(5, np.bool_)}
    fields = {
        "columns": columns,
        "starts": np.array([0, 1], np.uint32),
        "lengths": np.array([4, 4], np.uint32),
        "indices": np.arange(2),
    } | changes
    return StoredRun(0, 0, **fields)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"step": np.arange(5)}}, "run.columns.done: got 'nothing'"),
        ({"columns": {"step": np.arange(5), "done": np.zeros(4, np.bool_)}}, r"run.columns.done: got 'bool\[4\]'"),
        ({"history": np.zeros(4, np.uint8)}, "run.history: got '4 bytes', allowed: 5, or none"),
        ({"lengths": np.array([4, 3], np.uint32)}, r"items.lengths\[1\]: got 3, allowed: 4 to 4"),
        ({"starts": np.array([0, 2], np.uint32)}, r"items.starts\[1\]: got 2, allowed: at most 1: the run has 5 steps"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_and_nothing_is_stored(changes: dict[str, object], message: str) -> None:
    store = store_of(Pattern(4))
    [strand] = store.open_strands(1)

    with pytest.raises((SchemaMismatchError, InvalidArgumentError), match=message):
        store.append_run(strand, run_of(**changes))

    assert store.num_bytes == 0
    assert len(store.append_run(strand, run_of()).windows) == 2


def test_runs_of_single_steps_are_whole_where_blocks_end_with_a_page() -> None:
    store = StepStore("t", SPECS, Pattern(), ByteBudget(64 << 20))
    strands = store.open_strands(1)
    blocks = [2048, 2048, 100, 1948, 5]
    steps = np.split(np.arange(sum(blocks)), np.cumsum(blocks)[:-1])
    appended = [
        store.append(strands, {"step": s[:, None], "done": np.zeros((len(s), 1), np.bool_)}, len(s)) for s in steps
    ]

    runs = list(store.runs(Windows.concatenate([a.windows for a in appended]), 10**6))

    # The strand let the first two pages go before the next one began; the third is continued.
    assert [run.num_steps for run in runs] == [2048, 2048, 2048, 5]
    np.testing.assert_array_equal(np.concatenate([run.columns["step"] for run in runs]), np.arange(sum(blocks)))
