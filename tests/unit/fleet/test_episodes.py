"""Returns and lengths of episodes that run across blocks."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.fleet.core.episodes import EpisodeStatistics


def reference(reward, ended, mask):
    """Step through each lane; return the episodes in order of time, then lane."""
    found = []
    for lane in range(reward.shape[1]):
        total, length = 0.0, 0
        for step in range(reward.shape[0]):
            if mask[step, lane]:
                total, length = total + reward[step, lane], length + 1
            if ended[step, lane] and mask[step, lane]:
                found.append((step, lane, total, length))
                total, length = 0.0, 0
    return [(total, length) for _, _, total, length in sorted(found)]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000), num_lanes=st.integers(1, 4), cuts=st.lists(st.integers(1, 6), min_size=1, max_size=5)
)
def test_statistics_are_those_of_a_loop_over_steps_however_blocks_are_cut(seed, num_lanes, cuts):
    rng = np.random.default_rng(seed)
    shape = (sum(cuts), num_lanes)
    reward = rng.integers(-3, 4, size=shape).astype(np.float32)
    ended, mask = rng.random(shape) < 0.3, rng.random(shape) < 0.9
    statistics = EpisodeStatistics(num_lanes, window=1000)

    first = 0
    for cut in cuts:
        rows = slice(first, first + cut)
        statistics.add(reward[rows], ended[rows], mask[rows])
        first += cut

    expected = reference(reward, ended, mask)
    assert statistics.num_episodes == len(expected)
    if expected:
        np.testing.assert_allclose(statistics.mean_return, np.mean([r for r, _ in expected]))
        np.testing.assert_allclose(statistics.mean_length, np.mean([n for _, n in expected]))


def test_only_the_last_episodes_count():
    statistics = EpisodeStatistics(1, window=2)
    ends = np.ones((3, 1), np.bool_)

    statistics.add(np.array([[100.0], [1.0], [3.0]], np.float32), ends, ends)

    assert statistics.mean_return == 2.0
    assert statistics.num_episodes == 3


def test_without_an_episode_the_means_are_zero():
    statistics = EpisodeStatistics(2)

    assert (statistics.mean_return, statistics.mean_length, statistics.num_episodes) == (0.0, 0.0, 0)


def test_an_episode_that_is_cut_off_counts_nowhere():
    statistics = EpisodeStatistics(1)
    step = np.array([[5.0]], np.float32)
    no, yes = np.zeros((1, 1), np.bool_), np.ones((1, 1), np.bool_)

    statistics.add(step, no, yes)
    statistics.cut()
    statistics.add(step, yes, yes)

    assert (statistics.mean_return, statistics.mean_length, statistics.num_episodes) == (5.0, 1.0, 1)
