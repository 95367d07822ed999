"""A fleet's policy that a real inference service evaluates."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import numpy as np
import pytest

from heronry.api.learner.v1 import inference_pb2_grpc
from heronry.client import ConnectionOptions
from heronry.environments.making import make_environment
from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.central_policy import CentralPolicy, weights_here
from heronry.learner.core.inference import Inference, InferenceLimits, Policy
from heronry.learner.inference import InferenceEngine, InferenceHost, InferenceServicer
from heronry.runtime import ServerBuilder
from heronry.runtime.clock import SystemClock
from heronry.runtime.server import RpcServer
from heronry.runtime.settings import ServiceSettings
from heronry.types.columns import ColumnSpec
from heronry.types.errors import AbortedError, VersionNotFoundError
from heronry.types.run import RunState
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

SERVICE = "heronry.api.learner.v1.InferenceService"
LOG_STD = np.array([0.5, -1.0], np.float32)


class Constant:
    """Outputs the version's number, and its state beside it."""

    width = 1

    def __init__(self, number):
        self.number = number

    def __call__(self, observations, states):
        after = states + np.float32(1.0)
        return np.concatenate([np.full_like(after, self.number), after], axis=1), after


class Learner:
    """The inference service of a run, on a socket of its own."""

    def __init__(self, address):
        self.address = address

    async def start(self, *numbers, max_wait_s=0.002):
        self.host = InferenceHost()
        observed = ColumnSpec("observation", ElementType.FLOAT32, (4,))
        core = Inference("run", observed, 2, InferenceLimits(max_wait_s=max_wait_s), SystemClock().now)
        self.engine = InferenceEngine(core, _nothing_else, SystemClock().now)
        self.host.take(self.engine)
        for number in numbers:
            await self.engine.add(partial(Policy, ParameterVersion(1, number), Constant(number), LOG_STD))
        builder = ServerBuilder()
        add = inference_pb2_grpc.add_InferenceServiceServicer_to_server
        builder.add(InferenceServicer(self.host), add, SERVICE)
        self.server = RpcServer(ServiceSettings(listen=(self.address,)), builder)
        await self.server.start()
        await self.server.set_serving()

    async def stop(self):
        await self.host.leave(self.engine)
        await self.server.drain(0.0)


async def _nothing_else(number):
    raise VersionNotFoundError.of("version", number, ())


@pytest.fixture
async def learner(tmp_path_factory):
    made = Learner(f"unix:{tmp_path_factory.mktemp('l')}/learner.sock")
    await made.start(1, 2)
    yield made
    await made.stop()


@pytest.fixture
def environment():
    made = make_environment(EnvironmentSettings("CartPole-v1"), 3)
    yield made
    made.close()


@asynccontextmanager
async def policy_of(learner, *, is_lockstep=False):
    async def resolve():
        return (learner.address,)

    policy = CentralPolicy(resolve, ConnectionOptions(), "run", 1, "fleet-0", is_lockstep=is_lockstep)
    try:
        yield policy
    finally:
        await policy.close()


OBSERVATIONS = np.zeros((3, 4), np.float32)


async def test_an_actor_s_thread_gets_the_outputs_of_its_unroll_s_version(learner, environment) -> None:
    async with policy_of(learner) as policy:
        forward = policy.forward(environment, 0)

        begun = await policy.begin_unroll(1)
        outputs = await asyncio.to_thread(forward, OBSERVATIONS)

    assert (begun.version.number, begun.newest.number) == (1, 2)
    np.testing.assert_array_equal(outputs, [[1, 1]] * 3)
    np.testing.assert_array_equal(weights_here(begun)["policy/log_std"], LOG_STD)


async def test_all_groups_of_a_fleet_act_with_the_same_version(learner, environment) -> None:
    async with policy_of(learner) as policy:
        forwards = [policy.forward(environment, position) for position in range(2)]
        begun = await policy.begin_unroll(None)

        outputs = await asyncio.gather(*(asyncio.to_thread(f, OBSERVATIONS) for f in forwards))

    assert begun.version.number == 2
    assert [o[0, 0] for o in outputs] == [2.0, 2.0]


async def test_episodes_that_begin_are_told_once(learner, environment) -> None:
    async with policy_of(learner) as policy:
        forward = policy.forward(environment, 0)
        await policy.begin_unroll(None)
        counts = []
        for begins in (None, np.array([False, True, False]), None):
            if begins is not None:
                forward.begin_episodes(begins)
            counts.append((await asyncio.to_thread(forward, OBSERVATIONS))[:, 1].tolist())

    assert counts == [[1, 1, 1], [2, 1, 2], [3, 2, 3]]


async def test_a_thread_waits_for_a_learner_that_is_away_and_goes_on(learner, environment) -> None:
    async with policy_of(learner) as policy:
        forward = policy.forward(environment, 0)
        await policy.begin_unroll(2)
        await asyncio.to_thread(forward, OBSERVATIONS)

        await learner.stop()
        waiting = asyncio.create_task(asyncio.to_thread(forward, OBSERVATIONS))
        await learner.start(2)
        outputs = await waiting

    # The restarted service has forgotten the lanes' states.
    np.testing.assert_array_equal(outputs, [[2, 1]] * 3)


@pytest.mark.parametrize("is_lockstep", [False, True])
async def test_stopping_ends_what_the_thread_waits_for(learner, environment, is_lockstep) -> None:
    async with policy_of(learner, is_lockstep=is_lockstep) as policy:
        forward = policy.forward(environment, 0)
        await policy.begin_unroll(2)
        await learner.stop()
        waiting = asyncio.create_task(asyncio.to_thread(forward, OBSERVATIONS))
        await asyncio.sleep(0)

        policy.stop()
        with pytest.raises(AbortedError, match="the fleet stops"):
            await waiting
        with pytest.raises(AbortedError, match="the fleet stops"):
            await asyncio.to_thread(forward, OBSERVATIONS)
        await learner.start(2)


async def test_an_unroll_whose_version_is_gone_is_given_up_and_another_begins(learner, environment) -> None:
    async with policy_of(learner) as policy:
        forward = policy.forward(environment, 0)
        await policy.begin_unroll(1)
        await learner.stop()
        await learner.start(8, 9)

        with pytest.raises(AbortedError, match="the unroll cannot go on: no version 1"):
            await asyncio.to_thread(forward, OBSERVATIONS)
        begun = await policy.begin_unroll(None)

        assert begun.version.number == 9
        assert (await asyncio.to_thread(forward, OBSERVATIONS))[0, 0] == 9.0


async def test_episodes_that_began_in_a_step_that_was_given_up_begin_with_the_next(learner, environment) -> None:
    async with policy_of(learner) as policy:
        forward = policy.forward(environment, 0)
        await policy.begin_unroll(1)
        await asyncio.to_thread(forward, OBSERVATIONS)
        await forward.stream.close()
        for number in range(3, 12):
            await learner.engine.add(partial(Policy, ParameterVersion(1, number), Constant(number), LOG_STD))

        forward.begin_episodes(np.array([False, True, False]))
        with pytest.raises(AbortedError, match="the unroll cannot go on: no version 1"):
            await asyncio.to_thread(forward, OBSERVATIONS)
        await policy.begin_unroll(None)
        outputs = await asyncio.to_thread(forward, OBSERVATIONS)

    assert outputs[:, 1].tolist() == [2.0, 1.0, 2.0]


async def test_in_lockstep_an_unroll_whose_version_is_gone_waits_for_the_next_start(learner, environment) -> None:
    async with policy_of(learner, is_lockstep=True) as policy:
        forward = policy.forward(environment, 0)
        await policy.begin_unroll(1)
        await learner.stop()
        await learner.start(8, 9)
        waiting = asyncio.create_task(asyncio.to_thread(forward, OBSERVATIONS))

        done, _ = await asyncio.wait([waiting], timeout=0.3)
        policy.stop()

        assert not done
        with pytest.raises(AbortedError):
            await waiting


async def test_a_fleet_collects_with_what_the_learner_answers(make_mesh, table, wait_until) -> None:
    async with make_mesh(fleet={"num_envs": 4, "unroll_length": 8, "inference": "central"}) as mesh:
        learner = Learner(mesh.address("learner"))
        await learner.start(3)
        await mesh.replay.create_table(mesh.spec.tables()[0])
        await mesh.assign(RunState.RUNNING)

        batch = await anext(mesh.replay.sample(table, batch_size=4, timeout_s=10.0))
        await learner.engine.add(partial(Policy, ParameterVersion(1, 4), Constant(4), LOG_STD))
        newer = []
        async for later in mesh.replay.sample(table, batch_size=4, timeout_s=10.0):
            newer.append(int(later.behaviour_numbers.max()))
            if newer[-1] == 4:
                break
        streams = learner.engine.statistics().num_streams
        await mesh.assign(RunState.STOPPED)
        await wait_until(lambda: mesh.progress().reached_state is RunState.STOPPED)
        await learner.stop()

    assert np.all(batch.behaviour_numbers == 3)
    assert streams in {1, 2}
    # softmax of (3, n) for the n-th step of an episode: what was drawn is what the learner's outputs say.
    first = np.where(batch.columns["action"][0] == 0, 3.0, 1.0) - np.log(np.exp(3.0) + np.exp(1.0))
    np.testing.assert_allclose(batch.columns["log_probability"][0], first, rtol=1e-5)
