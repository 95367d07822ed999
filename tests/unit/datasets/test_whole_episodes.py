"""Episodes joined of runs, and cut into runs again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.datasets.whole_episodes import EpisodeJoiner, items_of_episode, runs_of_episode
from heronry.types.experience import Run, RunItems
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn

NO_ITEMS = RunItems(
    *(np.zeros(0, t) for t in (np.uint32, np.uint32, np.uint64, float, np.uint32, np.uint64, np.uint64))
)


def run_of(values: list[int], *, lane: int = 0, first_step: int = 0, ends: tuple[int, ...] = (), history=None) -> Run:
    """Steps with these values; those in `ends` are an episode's last."""
    columns = {"value": np.array(values), "done": np.isin(values, ends)}
    return Run(lane, first_step, columns, NO_ITEMS, history)


def joined(*runs: Run) -> list[list[int]]:
    joiner = EpisodeJoiner(("done",))
    episodes = [e for run in runs for e in joiner.add(run)] + list(joiner.finish())
    return [episode["value"].tolist() for episode in episodes]


def test_runs_that_continue_each_other_are_one_episode() -> None:
    assert joined(run_of([0, 1]), run_of([2, 3], first_step=2)) == [[0, 1, 2, 3]]


def test_steps_that_come_twice_stand_once() -> None:
    assert joined(run_of([0, 1, 2]), run_of([1, 2, 3], first_step=1), run_of([2], first_step=2)) == [[0, 1, 2, 3]]


def test_an_episode_ends_where_its_end_is_marked() -> None:
    assert joined(run_of([0, 1, 2, 3], ends=(1,)), run_of([4], first_step=4)) == [[0, 1], [2, 3, 4]]


def test_an_episode_ends_where_the_history_begins_anew() -> None:
    history = np.array([3, 4, 0, 1], np.uint8)

    assert joined(run_of([0, 1, 2, 3], history=history)) == [[0, 1], [2, 3]]


def test_a_gap_ends_an_episode() -> None:
    assert joined(run_of([0, 1]), run_of([5, 6], first_step=5)) == [[0, 1], [5, 6]]


def test_lanes_are_episodes_of_their_own() -> None:
    assert joined(run_of([0]), run_of([10], lane=1), run_of([1], first_step=1)) == [[0, 1], [10]]


def test_open_episodes_are_bounded_in_bytes(monkeypatch) -> None:
    monkeypatch.setattr("heronry.datasets.whole_episodes._MAX_PENDING_BYTES", 100)
    joiner = EpisodeJoiner(("done",))

    given_up = [e["value"].tolist() for lane in range(4) for e in joiner.add(run_of([lane] * 4, lane=lane))]

    assert given_up == [[0] * 4, [1] * 4]


@pytest.mark.parametrize(
    ("pattern", "starts", "lengths"),
    [
        (Pattern(), [0, 1, 2, 3, 4], [1] * 5),
        (Pattern(num_steps=2, period=2), [0, 2], [2, 2]),
        (Pattern(num_steps=3, period=2, episode_end=EpisodeEnd.DROP), [0, 2], [3, 3]),
        (Pattern(num_steps=3, period=2, episode_end=EpisodeEnd.SHORTEN), [0, 2, 4], [3, 3, 1]),
        (Pattern(num_steps=3, period=2, episode_end=EpisodeEnd.SHORTEN, min_steps=2), [0, 2], [3, 3]),
        (Pattern(num_steps=9), [], []),
    ],
)
def test_an_episode_of_five_steps_has_these_items(pattern: Pattern, starts: list[int], lengths: list[int]) -> None:
    found = items_of_episode(pattern, 5)

    assert [array.tolist() for array in found] == [starts, lengths]


@given(num_steps=st.integers(1, 60), window=st.integers(1, 8), period=st.integers(1, 5), stack=st.integers(1, 4))
def test_runs_hold_every_item_with_its_steps_and_its_history(num_steps, window, period, stack) -> None:
    pattern = Pattern(window, period, (PatternColumn("value", stack=stack),), EpisodeEnd.SHORTEN)
    columns = {"value": np.arange(num_steps)}
    runs = list(_small_runs(columns, pattern))

    items = []
    for run in runs:
        for start, length in zip(run.items.starts.tolist(), run.items.lengths.tolist(), strict=True):
            items.append(run.columns["value"][start : start + length].tolist())
            # What a stack may show of the episode before the item is in the run.
            assert run.history[start] >= min(stack - 1, run.columns["value"][start])
        np.testing.assert_array_equal(run.columns["value"], np.arange(run.first_step, run.first_step + run.num_steps))

    expected = [list(range(s, min(s + window, num_steps))) for s in range(0, num_steps, period)]
    assert items == expected


def _small_runs(columns, pattern):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("heronry.datasets.whole_episodes._RUN_BYTES", 80)
        yield from runs_of_episode(columns, pattern, 0)
