"""Evaluate: fresh episodes with a version of the run's policy."""

import asyncio

import pytest

from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.evaluation import evaluate_policy
from heronry.types.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    ModelNotFoundError,
    NotFoundError,
)
from heronry.types.run import FleetStatistics, RunState

NETWORK = {"hidden": [8], "activation": "tanh"}


def offline(mesh, seed, **arguments):
    return evaluate_policy(EnvironmentSettings("CartPole-v1"), NETWORK, mesh.tensors(seed), 5, 100, **arguments)


async def test_the_newest_version_is_judged_as_it_would_be_offline(mesh):
    await mesh.begin(seed=4)

    evaluation = await mesh.fleet.evaluate(num_episodes=5, seed=100)

    expected = offline(mesh, 4)
    assert (evaluation.returns, evaluation.lengths) == (expected.returns, expected.lengths)


async def test_a_version_is_chosen_by_number_or_tag(mesh):
    first = await mesh.begin(seed=4)
    second = await mesh.publish(first, seed=5)
    await mesh.params.tag_version("policy", "candidate", second.number)

    by_number = await mesh.fleet.evaluate(num_episodes=5, seed=100, number=first.number)
    by_tag = await mesh.fleet.evaluate("policy", num_episodes=5, seed=100, tag="candidate")

    assert (by_number.version, by_tag.version) == (first, second)
    assert by_number.returns == offline(mesh, 4).returns
    # A pushed difference is added in float32: the weights are those published to the last bit or so.
    assert len(by_tag.returns) == 5


async def test_a_sampling_evaluation_acts_as_in_training(mesh):
    await mesh.begin(seed=4)

    evaluation = await mesh.fleet.evaluate(num_episodes=5, seed=100, greedy=False)

    assert evaluation.returns == offline(mesh, 4, greedy=False).returns


async def test_a_finished_run_is_judged_still(mesh, wait_until):
    await mesh.begin()
    await mesh.assign(RunState.FINISHING)
    await wait_until(lambda: mesh.progress().reached_state is RunState.FINISHING)

    evaluation = await mesh.fleet.evaluate(num_episodes=3, seed=0)

    assert len(evaluation.returns) == 3


async def test_evaluations_at_the_same_time_are_all_answered(mesh):
    await mesh.begin()

    orders = [mesh.fleet.evaluate(num_episodes=3, seed=seed) for seed in range(4)]

    assert len(await asyncio.gather(*orders)) == 4


async def test_without_a_run_there_is_nothing_to_judge(mesh):
    with pytest.raises(FailedPreconditionError, match="no run is assigned"):
        await mesh.fleet.evaluate(num_episodes=1, seed=0)
    assert await mesh.fleet.statistics() == FleetStatistics()


@pytest.mark.parametrize("num_episodes", [0, 10_001])
async def test_a_number_of_episodes_outside_its_range_is_refused(mesh, num_episodes):
    await mesh.begin()

    with pytest.raises(InvalidArgumentError, match=r"num_episodes: got .*, allowed: 1 to 10,000"):
        await mesh.fleet.evaluate(num_episodes=num_episodes, seed=0)


async def test_an_unknown_model_or_tag_is_refused_by_name(mesh):
    await mesh.begin()

    with pytest.raises(ModelNotFoundError, match="td3"):
        await mesh.fleet.evaluate("td3", num_episodes=1, seed=0)
    with pytest.raises(NotFoundError, match="best"):
        await mesh.fleet.evaluate(num_episodes=1, seed=0, tag="best")
