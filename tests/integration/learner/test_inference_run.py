"""A learner whose run asks for central inference, between real services."""

from contextlib import asynccontextmanager

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from structlog.testing import capture_logs

from heronry.client import ConnectionOptions, InferenceClient
from heronry.maths.networks import HeadForward, Layers, RecurrentForward, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.spec import POLICY
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError
from heronry.types.inference import InferenceStatistics, LaneGroup
from heronry.types.run import RunState
from heronry.types.tensors import ElementType

CENTRAL = {"fleet": {"num_envs": 4, "unroll_length": 8, "inference": "central"}}
NETWORK = network_for("ppo", Layers((8,)), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2))
OBSERVATIONS = np.random.default_rng(0).normal(size=(4, 4)).astype(np.float32)


@pytest.fixture
def make_central(make_mesh):
    @asynccontextmanager
    async def make(**changes):
        async with make_mesh(**{**CENTRAL, **changes}) as mesh, InferenceClient(mesh.address("learner")) as client:
            mesh.inference = client
            with capture_logs() as mesh.logs:
                yield mesh

    return make


def stream_of(mesh, group_id="fleet-0/0", run_id="run"):
    return mesh.inference.stream(LaneGroup(run_id, group_id, 1, 4, ElementType.FLOAT32, (4,)))


async def expected(mesh, number):
    """Return the outputs of a version as params has it."""
    return HeadForward(NETWORK, "policy", await mesh.params.pull(POLICY, number=number))(OBSERVATIONS)


async def test_the_first_version_acts_as_soon_as_the_model_is_known(make_central) -> None:
    async with make_central() as mesh:
        await mesh.assign(RunState.PENDING)
        stream = stream_of(mesh)

        begun = await stream.begin_unroll()
        outputs = await stream.infer(OBSERVATIONS)

        assert begun.version == begun.newest == await mesh.newest()
        np.testing.assert_allclose(outputs, await expected(mesh, 1), atol=1e-6)


async def test_each_version_acts_that_params_has_taken_without_being_pulled(make_central) -> None:
    async with make_central(params={"num_versions_kept": 1000}) as mesh:
        logs = mesh.logs
        await mesh.assign(RunState.RUNNING)
        stream = stream_of(mesh)
        async with mesh.fleet():
            for number in (3, 5):
                begun = await stream.begin_unroll(number)
                outputs = await stream.infer(OBSERVATIONS)

                assert begun.version.number == number
                np.testing.assert_allclose(outputs, await expected(mesh, number), atol=1e-6)

    assert not [entry for entry in logs if entry["event"] == "inference_pulls"]


async def test_a_learner_that_is_restarted_lets_an_unroll_go_on_with_its_version(make_central) -> None:
    async with make_central(params={"num_versions_kept": 1000}) as mesh:
        await mesh.assign(RunState.RUNNING)
        stream = stream_of(mesh)
        async with mesh.fleet():
            begun = await stream.begin_unroll(2)
            before = await stream.infer(OBSERVATIONS)
            await mesh.until_updates(4)

        await mesh.restart("learner")
        await mesh.assign(RunState.RUNNING)
        after = await stream.infer(OBSERVATIONS)

        assert begun.version.number == 2
        np.testing.assert_array_equal(after, before)
        assert stream.num_connects == 2


async def test_params_that_is_restarted_makes_an_epoch_whose_versions_act(make_central, wait_until) -> None:
    async with make_central() as mesh:
        await mesh.assign(RunState.RUNNING)
        stream = stream_of(mesh)
        first = await stream.begin_unroll()
        async with mesh.fleet():
            await mesh.until_updates(2)
            await mesh.restart("params")

            async def is_of_new_epoch():
                return (await stream.begin_unroll()).version.epoch > first.version.epoch

            await wait_until(is_of_new_epoch)


async def test_without_central_inference_fleets_are_told_to_do_it_themselves(make_central) -> None:
    async with make_central(fleet={"num_envs": 4, "unroll_length": 8}) as mesh:
        await mesh.assign(RunState.PENDING)
        client = InferenceClient(mesh.address("learner"), ConnectionOptions(reconnect_s=0.1))

        with pytest.raises(FailedPreconditionError, match=r"no central inference for run 'run' here \(have: none\)"):
            await client.stream(LaneGroup("run", "f", 1, 4, ElementType.FLOAT32, (4,))).begin_unroll()
        await client.close()

        assert await mesh.inference.statistics() == InferenceStatistics()


async def test_its_figures_are_scraped(make_central) -> None:
    async with make_central() as mesh:
        await mesh.assign(RunState.PENDING)
        stream = stream_of(mesh)
        await stream.begin_unroll()
        for _ in range(3):
            await stream.infer(OBSERVATIONS)
        registry = CollectorRegistry()
        registry.register(mesh.services["learner"].collector())

        text = generate_latest(registry).decode()

    assert "heronry_inference_streams 1.0" in text
    assert "heronry_inference_steps_total 3.0" in text
    assert "heronry_inference_rows_total 12.0" in text
    assert 'heronry_inference_batch_rows_bucket{le="4"} 3.0' in text
    assert 'heronry_inference_latency_seconds_bucket{le="+Inf"} 3.0' in text


EXTERNAL = {
    "algorithm": {"name": "external", "batch_size": 4},
    "network": {"hidden": [8], "activation": "tanh", "recurrent": 6},
}


def recurrent_policy(seed):
    spaces = ObservationSpace((4,)), ActionSpace("discrete", num_actions=2)
    network = network_for("external", Layers((8,), recurrent=6), *spaces)
    tensors = network.init(np.random.default_rng(seed))
    # What else a learner of one's own keeps at params.
    return RecurrentForward(network, "policy", tensors), {**tensors, "critic": np.ones(3, np.float32)}


async def test_what_a_learner_of_one_s_own_publishes_acts_with_its_memory(make_central, wait_until) -> None:
    async with make_central(**EXTERNAL) as mesh:
        await mesh.assign(RunState.RUNNING)
        stream = stream_of(mesh)
        first, tensors = recurrent_policy(1)
        second, others = recurrent_policy(2)
        states = first.first_states(4)

        base, _ = await mesh.params.register_model(POLICY, tensors)
        for forward, number in ((first, 1), (second, 2)):
            if number == 2:
                await mesh.params.push(POLICY, others, base_version=base, kind=ContributionKind.WEIGHTS)
            begun = await stream.begin_unroll(number)
            for _ in range(2):
                outputs = await stream.infer(OBSERVATIONS)
                expected_outputs, states = forward(OBSERVATIONS, states)
                np.testing.assert_allclose(outputs, expected_outputs, atol=1e-6)

            assert begun.version.number == number
        assert mesh.progress().reached_state is RunState.RUNNING
        await mesh.assign(RunState.STOPPED)
        assert await mesh.inference.statistics() == InferenceStatistics()
