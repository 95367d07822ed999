"""Numbers of episodes: one for each, whatever the unrolls cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heronry.fleet.core.episode_ids import EpisodeIds

ENDS = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 4)))


def by_hand(ended):
    """Walk lane by lane: the number rises by N after each row that ended an episode."""
    num_steps, num_lanes = ended.shape
    ids = np.empty(ended.shape, np.int64)
    for lane in range(num_lanes):
        episode = lane
        for step in range(num_steps):
            ids[step, lane] = episode
            episode += num_lanes * int(ended[step, lane])
    return ids


@given(ENDS, st.data())
def test_rows_are_numbered_by_episode_however_unrolls_part_them(ended, data):
    cut = data.draw(st.integers(0, len(ended)))
    ids = EpisodeIds(ended.shape[1])

    parts = [ids.next(part) for part in (ended[:cut], ended[cut:]) if len(part)]

    np.testing.assert_array_equal(np.concatenate(parts), by_hand(ended))


@given(ENDS)
def test_no_two_lanes_share_an_episode(ended):
    ids = EpisodeIds(ended.shape[1]).next(ended)

    lanes = [set(column) for column in ids.T]

    assert sum(len(lane) for lane in lanes) == len(set().union(*lanes))


def test_an_episode_given_up_between_unrolls_gets_no_more_rows():
    ids = EpisodeIds(2)
    ids.next(np.zeros((3, 2), np.bool_))

    ids.cut(np.array([True, False]))

    np.testing.assert_array_equal(ids.next(np.zeros((1, 2), np.bool_)), [[2, 1]])
