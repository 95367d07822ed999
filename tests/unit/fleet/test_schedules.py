"""Exploration over steps, and versions in lockstep."""

import pytest

from heronry.fleet.core.exploration import EpsilonSchedule, Pace
from heronry.fleet.core.lockstep import LockstepPlan, LockstepSchedule


@pytest.mark.parametrize(("steps", "expected"), [(0, 1.0), (50, 0.55), (100, 0.1), (1000, 0.1)])
def test_epsilon_falls_linearly_and_then_stays(steps, expected):
    assert EpsilonSchedule(1.0, 0.1, 100).at(steps) == pytest.approx(expected)


@pytest.mark.parametrize(("updates", "expected"), [(0, 0), (1, 1064), (10, 1640)])
def test_updates_tell_the_steps_behind_them(updates, expected):
    # 64 items a gradient step, 32 gradient steps an update, each item drawn 32 times.
    assert Pace(before_first=1000, per_update=64 * 32 / 32).steps_after(updates) == expected


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


def test_segments_hold_the_blocks_of_their_updates_and_the_last_one_what_is_left():
    plan = LockstepPlan(num_envs=4, batch_size=8, every_updates=5, max_updates=12)

    assert [plan.num_blocks(done) for done in (0, 5, 10, 12, 15)] == [10, 10, 4, 0, 0]


@pytest.mark.parametrize(("num_envs", "batch_size"), [(8, 8), (4, 8), (8, 4), (6, 4), (4, 6)])
def test_a_segment_that_is_not_the_last_leaves_nothing_over(num_envs, batch_size):
    plan = LockstepPlan(num_envs, batch_size, every_updates=6, max_updates=100)

    assert plan.num_blocks(0) * num_envs == 6 * batch_size
    # The last block waits for no version that comes after the barrier.
    assert plan.schedule(3).version_number(plan.num_blocks(0) - 1) < 3 + 6
