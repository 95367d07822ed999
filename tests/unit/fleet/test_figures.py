"""What a fleet reports."""

import numpy as np
import pytest

from heronry.fleet.core.figures import FleetFigures
from heronry.fleet.core.unroll import Unroll
from heronry.types.version import ParameterVersion


class Ticker:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


def unroll(num_steps=10, ended_at=None):
    ended = np.zeros((num_steps, 1), np.bool_)
    if ended_at is not None:
        ended[ended_at] = True
    columns = {
        "reward": np.ones((num_steps, 1), np.float32),
        "terminated": ended,
        "truncated": np.zeros_like(ended),
        "mask": np.ones_like(ended),
    }
    return Unroll(columns, num_steps, environment_time_s=0.25, inference_time_s=0.5)


@pytest.fixture
def ticker():
    return Ticker()


@pytest.fixture
def figures(ticker):
    return FleetFigures("run", "CartPole-v1", 1, ticker)


def test_lag_is_counted_in_versions_behind_the_newest(figures):
    for behaviour, newest in ((1, 1), (1, 3), (2, 3), (3, 5)):
        figures.add(unroll(), ParameterVersion(1, behaviour), ParameterVersion(1, newest))

    assert figures.statistics().policy_lag == {0: 1, 1: 1, 2: 2}
    assert figures.figures()["mean_lag"] == 1.25
    assert figures.figures()["max_lag"] == 2


def test_versions_of_two_epochs_have_no_lag(figures):
    figures.add(unroll(), ParameterVersion(1, 9), ParameterVersion(2, 3))

    assert figures.statistics().policy_lag == {0: 1}


def test_times_steps_and_episodes_add_up(figures):
    for _ in range(2):
        figures.add(unroll(ended_at=3), ParameterVersion(1, 1), ParameterVersion(1, 1))

    statistics = figures.statistics()

    assert (statistics.num_steps, statistics.num_episodes) == (20, 2)
    # The second episode has the first block's last six steps and four of its own.
    assert statistics.mean_return == statistics.mean_length == (4 + 10) / 2
    assert (statistics.environment_time_s, statistics.inference_time_s) == (0.5, 1.0)
    assert statistics.behaviour_version == ParameterVersion(1, 1)


def test_no_mean_return_is_reported_before_an_episode_has_ended(figures):
    figures.add(unroll(), ParameterVersion(1, 1), ParameterVersion(1, 1))

    assert "mean_return" not in figures.figures()
    assert figures.figures()["env_steps"] == 10


def test_speed_is_that_of_the_last_seconds_and_falls_to_zero(figures, ticker):
    for second in range(1, 11):
        ticker.now_s = float(second)
        figures.add(unroll(num_steps=second), ParameterVersion(1, 1), ParameterVersion(1, 1))

    assert figures.statistics().steps_per_second == pytest.approx((6 + 7 + 8 + 9 + 10) / 5)

    ticker.now_s = 100.0
    assert figures.statistics().steps_per_second == 0.0
