"""Exploration over steps, and versions in lockstep."""

import pytest

from heronry.fleet.core.exploration import EpsilonSchedule
from heronry.fleet.core.lockstep import LockstepSchedule


@pytest.mark.parametrize(("steps", "expected"), [(0, 1.0), (50, 0.55), (100, 0.1), (1000, 0.1)])
def test_epsilon_falls_linearly_and_then_stays(steps, expected):
    assert EpsilonSchedule(1.0, 0.1, 100).at(steps) == pytest.approx(expected)


def test_with_one_block_a_batch_the_lag_is_one_version():
    schedule = LockstepSchedule(base=7, num_envs=8, batch_size=8)

    assert [schedule.version_number(u) for u in range(5)] == [7, 7, 8, 9, 10]


def test_smaller_blocks_share_the_version_of_their_batch():
    schedule = LockstepSchedule(base=1, num_envs=4, batch_size=8)

    assert [schedule.version_number(u) for u in range(8)] == [1, 1, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("num_envs", "batch_size"), [(8, 8), (4, 8), (8, 4), (3, 8), (8, 3), (16, 5)])
def test_a_version_never_depends_on_blocks_that_wait_for_it(num_envs, batch_size):
    schedule = LockstepSchedule(0, num_envs, batch_size)

    for block in range(50):
        batches_complete_before = block * num_envs // batch_size
        assert schedule.version_number(block) <= batches_complete_before
