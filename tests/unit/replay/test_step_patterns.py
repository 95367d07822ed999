import numpy as np
import pytest

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.episodes import EpisodeClock
from heronry.replay.core.patterns import WindowCutter
from heronry.replay.core.step_store import StepStore
from heronry.types.columns import ColumnSpec
from heronry.types.patterns import EpisodeEnd, Pattern
from heronry.types.tensors import ElementType

OBSERVATION = ColumnSpec("observation", ElementType.INT64, ())
REWARD = ColumnSpec("reward", ElementType.FLOAT32, ())
DONE = ColumnSpec("done", ElementType.BOOL, ())


def cut(cutter: WindowCutter, begin: int, end: int, *ends: int) -> list[tuple[int, int]]:
    """Return (first step, last step) of the windows of one lane whose episodes end at some steps."""
    marks = np.zeros((end - begin, 1), np.bool_)
    marks[[e - begin for e in ends]] = True
    made = cutter.complete(begin, end, marks if ends else None)
    return list(zip(made.starts.tolist(), made.lasts.tolist(), strict=True))


def test_a_sequence_that_reaches_an_episodes_end_stops_there() -> None:
    # R2D2: 80 steps every 40; the episode has 100.
    cutter = WindowCutter(Pattern(80, 40, episode_end=EpisodeEnd.SHORTEN), 1)

    assert cut(cutter, 0, 90) == [(0, 79)]
    assert cut(cutter, 90, 200, 99) == [(40, 99), (80, 99), (100, 179)]


def test_windows_shorter_than_the_least_are_not_made() -> None:
    cutter = WindowCutter(Pattern(80, 40, episode_end=EpisodeEnd.SHORTEN, min_steps=21), 1)

    assert cut(cutter, 0, 100, 99) == [(0, 79), (40, 99)]


def test_windows_that_would_cross_an_end_are_dropped() -> None:
    cutter = WindowCutter(Pattern(4, 1, episode_end=EpisodeEnd.DROP), 1)

    assert cut(cutter, 0, 12, 5, 7) == [(0, 3), (1, 4), (2, 5), (8, 11)]


def test_lanes_that_ended_apart_share_their_windows_again() -> None:
    cutter = WindowCutter(Pattern(2, 1, episode_end=EpisodeEnd.DROP), 2)
    ends = np.zeros((4, 2), np.bool_)
    ends[1, 0] = True

    first = cutter.complete(0, 4, ends)
    second = cutter.complete(4, 6, None)

    assert list(zip(first.starts.tolist(), first.lanes.tolist(), strict=True)) == [
        (0, 0), (0, 1), (1, 1), (2, 0), (2, 1)
    ]  # fmt: skip
    assert list(zip(second.starts.tolist(), second.lanes.tolist(), strict=True)) == [(3, 0), (3, 1), (4, 0), (4, 1)]


def test_a_lane_counts_its_steps_since_the_episode_began_to_255() -> None:
    clock = EpisodeClock(2)
    ends = np.zeros((3, 2), np.bool_)
    ends[1, 1] = True

    assert clock.advance(3, ends).tolist() == [[0, 0], [1, 1], [2, 0]]
    assert clock.advance(2, None).tolist() == [[3, 1], [4, 2]]
    assert clock.advance(300, None)[-1].tolist() == [255, 255]
    assert clock.advance(1, None).tolist() == [[255, 255]]
    clock.restart()
    assert clock.advance(1, None).tolist() == [[0, 0]]


def test_a_transition_over_three_steps_ends_with_its_episode() -> None:
    pattern = Pattern.n_step(3, each=("reward", "done"), end_columns=("done",))
    store = StepStore("t", (OBSERVATION, REWARD, DONE), pattern, ByteBudget(1 << 24))
    steps = np.arange(5)[:, None]
    block = {"observation": steps, "reward": steps.astype(np.float32), "done": steps == 4}

    windows = store.append(store.open_strands(1), block, 5).windows
    batch = store.gather(windows)

    assert windows.lengths.tolist() == [4, 4, 3, 2, 1]
    assert batch["observation"].tolist() == [0, 1, 2, 3, 4]
    assert batch["next_observation"].tolist() == [3, 4, 4, 4, 4]
    assert batch["reward"].T.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 0], [4, 0, 0]]


@pytest.mark.parametrize("episode_end", EpisodeEnd)
def test_no_window_reaches_over_an_end_that_the_writer_told(episode_end: EpisodeEnd) -> None:
    store = StepStore("t", (OBSERVATION,), Pattern(3, 1, episode_end=episode_end), ByteBudget(1 << 24))
    strands = store.open_strands(2)
    values = np.arange(8).reshape(4, 2)

    first = store.append(strands, {"observation": values}, 4, np.array([True, False]))
    second = store.append(strands, {"observation": values}, 1)

    shortened = [[3, 0], [3, 0]] if episode_end is EpisodeEnd.SHORTEN else []
    # Steps 1 to 3 of both lanes end with the block; of the lane that ended, two shorter ones too.
    assert first.ends.tolist() == [[2, 0], [2, 1], [3, 0], *shortened, [3, 1]]
    assert second.ends.tolist() == [[0, 1]]


def test_a_writer_that_is_lost_shortens_nothing() -> None:
    store = StepStore("t", (OBSERVATION,), Pattern(3, 1, episode_end=EpisodeEnd.SHORTEN), ByteBudget(1 << 24))
    [strand] = store.open_strands(1)
    held = store.append([strand], {"observation": np.arange(4)[:, None]}, 4).windows

    strand.cut()

    assert held.lengths.tolist() == [3, 3]
    after = store.append([strand], {"observation": np.arange(10, 14)[:, None]}, 4).windows
    assert store.gather(after)["observation"].T.tolist() == [[10, 11, 12], [11, 12, 13]]
