"""How an evaluation's returns are told."""

from pathlib import Path

import pytest

from heronry.cli.evaluation import EvaluateRequest, bars, summarise
from heronry.cli.policy_file import PolicyFile
from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.evaluation import EpisodeResults


def test_the_summary_holds_mean_population_deviation_and_quantiles() -> None:
    policy = PolicyFile(
        Path("p"), EnvironmentSettings("CartPole-v1"), "ppo", {"hidden": [2], "activation": "tanh"}, "1.2", {}
    )
    request = EvaluateRequest(Path("p"), 4, 0, True, None, None, False)

    fields = summarise(policy, request, EpisodeResults((1.0, 2.0, 3.0, 6.0), (1, 2, 3, 6)))

    assert fields["eval_mean"] == pytest.approx(3.0)
    assert fields["eval_sd"] == pytest.approx(3.5**0.5)
    assert fields["eval_quantiles"]["0.5"] == pytest.approx(2.5)
    assert (fields["eval_min"], fields["eval_max"], fields["mean_length"]) == (1.0, 6.0, 3.0)


def test_the_histogram_counts_every_episode_once() -> None:
    lines = list(bars((0.0, 0.0, 0.0, 10.0), num_bars=2, width=6))

    assert [line.split()[-1] for line in lines] == ["3", "1"]
    assert lines[0].count("█") == 6
    assert lines[1].count("█") == 2


def test_equal_returns_are_one_bar() -> None:
    assert len(list(bars((500.0,) * 7))) == 1
