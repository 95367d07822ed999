"""A lockstep run: fixed lag, bit for bit the same each time, from any of its barriers."""

import hashlib
from contextlib import asynccontextmanager

import numpy as np
import pytest
from structlog.testing import capture_logs

from heronry.api.learner.v1 import learner_pb2_grpc
from heronry.runtime import ServerBuilder
from heronry.runtime.server import RpcServer
from heronry.runtime.settings import ServiceSettings
from heronry.types.contribution import ContributionKind
from heronry.types.run import Assignment, Barrier, Endpoint, LearnerStatistics, RunState, ServiceRole
from heronry.wire.statistics import learner_statistics_to_proto

LEARNER = "heronry.api.learner.v1.LearnerService"
EVERY = 4
LOCKSTEP = {"lockstep": True, "checkpoint": {"every_updates": EVERY}}


class Learner(learner_pb2_grpc.LearnerServiceServicer):
    """Tells the barrier that the test stands at."""

    def __init__(self):
        self.barrier = None
        self.num_asked = 0

    async def GetStatistics(self, request, context):
        self.num_asked += 1
        return learner_statistics_to_proto(LearnerStatistics(barrier=self.barrier))


@pytest.fixture
def make_lockstep(make_mesh):
    @asynccontextmanager
    async def make(**changes):
        async with make_mesh(**{**LOCKSTEP, **changes}) as mesh:
            builder = ServerBuilder()
            mesh.learner = Learner()
            builder.add(mesh.learner, learner_pb2_grpc.add_LearnerServiceServicer_to_server, LEARNER)
            server = RpcServer(ServiceSettings(listen=(mesh.address("learner"),)), builder)
            await server.start()
            await server.set_serving()
            try:
                yield mesh
            finally:
                await server.drain(0.1)

    return make


def weights_after(mesh, digest):
    """Return weights that depend on every byte of a batch."""
    tensors = mesh.tensors(seed=int(digest[:8], 16))
    tensors["policy/head/weight"] *= np.float32(50.0)
    return tensors


async def learn(mesh, table, num_updates, num_updates_before=0, first=None):
    """Play the learner; return each batch's digest and how far its versions lie behind the batch."""
    await mesh.replay.create_table(mesh.spec.tables()[0])
    version, _ = await mesh.params.register_model("policy", mesh.tensors() if first is None else first)
    base = version.number - num_updates_before
    mesh.learner.barrier = Barrier(num_updates_before, version, mesh.num_starts)
    await mesh.assign(RunState.RUNNING)
    digests, versions = [], []
    async for batch in mesh.replay.sample(table, batch_size=4, credits=1, timeout_s=10.0):
        mesh.learner.barrier = None
        digests.append(hashlib.sha256(b"".join(batch.columns[p].tobytes() for p in sorted(batch.columns))).hexdigest())
        versions.append([int(number) - base for number in sorted(set(batch.behaviour_numbers.tolist()))])
        tensors = weights_after(mesh, digests[-1])
        pushed = await mesh.params.push("policy", tensors, kind=ContributionKind.WEIGHTS, base_version=version)
        version = pushed.version
        done = num_updates_before + len(digests)
        if done % EVERY == 0:
            mesh.learner.barrier = Barrier(done, version, mesh.num_starts)
        if len(digests) == num_updates:
            return digests, versions
    raise AssertionError("the stream ended")


# The version that acts in batch k is the one before the last; at a barrier it is the last.
EXPECTED = [[0], [0], [1], [2], [4], [4], [5], [6], [8], [8]]


async def test_batch_k_is_acted_with_the_version_before_the_last_since_the_barrier(make_lockstep, table):
    async with make_lockstep() as mesh:
        _, versions = await learn(mesh, table, 10)

    assert versions == EXPECTED


async def test_blocks_smaller_than_a_batch_keep_the_lag(make_lockstep, table):
    async with make_lockstep(fleet={"num_envs": 2, "unroll_length": 8}) as mesh:
        _, versions = await learn(mesh, table, 10)

    assert versions == EXPECTED


async def test_two_runs_are_bit_for_bit_the_same(make_lockstep, table):
    runs = []
    for _ in range(2):
        async with make_lockstep() as mesh:
            runs.append(await learn(mesh, table, 9))

    assert runs[0] == runs[1]


async def test_a_run_that_goes_on_from_a_barrier_does_what_the_one_did_that_passed_it(make_lockstep, table):
    async with make_lockstep() as mesh:
        passed, _ = await learn(mesh, table, 2 * EVERY)
        at_barrier = weights_after(mesh, passed[EVERY - 1])

    async with make_lockstep() as mesh:
        # Another number of starts and other version numbers, as after a resume.
        mesh.num_starts = 3
        await mesh.params.register_model("other", mesh.tensors())
        went_on, _ = await learn(mesh, table, EVERY, num_updates_before=EVERY, first=at_barrier)

    assert went_on == passed[EVERY:]


async def test_the_barrier_of_an_earlier_start_is_passed_over(make_lockstep, table, wait_until):
    async with make_lockstep() as mesh:
        await mesh.replay.create_table(mesh.spec.tables()[0])
        version = await mesh.register()
        mesh.num_starts = 2
        mesh.learner.barrier = Barrier(0, version, 1)
        await mesh.assign(RunState.RUNNING)
        await wait_until(lambda: mesh.learner.num_asked > 3)
        assert mesh.progress().figures["env_steps"] == 0

        mesh.learner.barrier = Barrier(0, version, 2)
        await wait_until(lambda: mesh.progress().figures["env_steps"] > 0)


async def test_no_block_is_collected_beyond_the_last_update(make_lockstep, table, wait_until):
    # 4 lanes of 8 steps an update: 5 updates, of which the second segment holds one.
    async with make_lockstep(max_env_steps=5 * 32) as mesh:
        await learn(mesh, table, 5)
        mesh.learner.barrier = Barrier(5, (await mesh.params.pull("policy")).version, mesh.num_starts)
        asked = mesh.learner.num_asked
        await wait_until(lambda: mesh.learner.num_asked > asked + 3)

        info = await mesh.replay.get_table(table)
    assert info.num_inserts == 5 * 4


async def test_versions_of_another_epoch_do_not_act(make_lockstep, table, wait_until):
    async with make_lockstep() as mesh:
        await mesh.replay.create_table(mesh.spec.tables()[0])
        version = await mesh.register()
        await mesh.stop("params")
        await mesh.start("params")
        mesh.learner.barrier = Barrier(0, version, mesh.num_starts)

        with capture_logs() as events:
            await mesh.assign(RunState.RUNNING)
            await wait_until(lambda: any(event["event"] == "lockstep_waits" for event in events))

        assert (await mesh.params.pull("policy")).version.epoch > version.epoch
        assert mesh.progress().figures["env_steps"] == 0


async def test_several_fleets_are_refused_by_name(make_lockstep, wait_until):
    async with make_lockstep() as mesh:
        other = Endpoint(ServiceRole.FLEET, "fleet-1", ("unix:/nowhere",))
        await mesh.services["fleet"].reconcile(
            Assignment(1, "run", RunState.RUNNING, mesh.spec.to_dict(), (other,), num_starts=1)
        )

        failure = await wait_until(lambda: mesh.progress().failure)

    assert failure == "ConfigurationError: lockstep: got True, allowed: false with 2 fleets"
