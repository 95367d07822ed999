"""Rounds with deadlines, workers that are ahead, and changes to live models, through bare messages."""

import asyncio

import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.consistency import Asynchronous, StaleSynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    FencedError,
    InvalidArgumentError,
    ModelNotFoundError,
    StaleContributionError,
    VersionNotFoundError,
)
from heronry.types.models import ContributionLimits, ModelSettings, Shard
from heronry.wire.model_settings import consistency_to_proto, limits_to_proto
from heronry.wire.times import duration_to_proto


def weights(value: float, num: int = 4) -> dict[str, np.ndarray]:
    return {"weight": np.full(num, value, np.float32)}


def delta(value: float) -> np.ndarray:
    return np.full(4, value, np.float32).view(np.uint8)


def caller(client_id: str) -> tuple[tuple[str, str], ...]:
    return (("heronry-client-id", client_id),)


async def lease_of(mesh, client_id: str) -> int:
    request = pb.RegisterWorkerRequest(model="policy", incarnation=1)
    return (await mesh.stub.RegisterWorker(request, metadata=caller(client_id))).lease.fencing_token


async def pushed(mesh, client_id: str, version, value: float, request_id: str = "r", **fields: object):
    fields = {"kind": ContributionKind.DELTA, "client_id": client_id, "request_id": request_id, **fields}
    return await mesh.push_raw(mesh.upload_of(delta(value), version, **fields), client_id)


async def test_a_round_closes_at_its_deadline_with_a_quorum(mesh) -> None:
    rounds = SynchronousRounds(cohort_size=2, quorum=1, deadline_s=0.3)
    version = await mesh.register(weights(0.0), ModelSettings(consistency=rounds))
    tokens = {client: await lease_of(mesh, client) for client in ("a", "b")}
    joins = {
        c: aiter(mesh.stub.JoinRounds(pb.JoinRoundsRequest(model="policy", fencing_token=t), metadata=caller(c)))
        for c, t in tokens.items()
    }
    invitations = {client: await anext(join) for client, join in joins.items()}

    answer = await pushed(mesh, "a", version, 3.0, round_id=invitations["a"].round_id)
    pulled = await mesh.pull_raw(number=2, wait=duration_to_proto(10.0))

    assert (answer.counted, answer.closed_round) == (True, False)
    assert {i.base_version.number for i in invitations.values()} == {1}
    assert all(0 < i.remaining.ToNanoseconds() <= 300_000_000 for i in invitations.values())
    assert set(pulled.values) == {3.0}
    late = await mesh.refusal(pushed(mesh, "b", version, 5.0, round_id=invitations["b"].round_id))
    assert isinstance(late, FailedPreconditionError)


async def test_a_worker_that_is_ahead_waits_for_the_slowest(mesh) -> None:
    settings = ModelSettings(consistency=StaleSynchronous(max_lead=0, max_staleness=8))
    version = await mesh.register(weights(0.0), settings)
    for client in ("fast", "slow"):
        await lease_of(mesh, client)
    await pushed(mesh, "fast", version, 1.0)

    at_once = await mesh.refusal(mesh.pull_raw("fast"))
    in_vain = await mesh.refusal(mesh.pull_raw("fast", wait=duration_to_proto(0.05)))
    waiting = asyncio.create_task(mesh.pull_raw("fast", wait=duration_to_proto(10.0)))
    other = await mesh.pull_raw("slow")
    await pushed(mesh, "slow", version, 1.0)

    assert isinstance(at_once, FailedPreconditionError)
    assert {"term", "value", "bound"} <= set(at_once.details)
    assert isinstance(in_vain, DeadlineExceededError)
    assert set(other.values) == {1.0}
    assert set((await waiting).values) == {2.0}


async def test_a_model_goes_back_to_an_earlier_version_once_a_request(mesh) -> None:
    version = await mesh.register(weights(1.0))
    await pushed(mesh, "raw", version, 1.0)
    request = pb.RollbackModelRequest(model="policy", number=1, request_id="back")

    first = await mesh.stub.RollbackModel(request)
    again = await mesh.stub.RollbackModel(request)
    stale = await mesh.refusal(pushed(mesh, "raw", version, 1.0, "late"))
    unknown = await mesh.refusal(
        mesh.stub.RollbackModel(pb.RollbackModelRequest(model="policy", tag="best", request_id="other"))
    )

    assert first.version.number == again.version.number == 3
    assert set((await mesh.pull_raw()).values) == {1.0}
    assert isinstance(stale, StaleContributionError | FailedPreconditionError)
    assert isinstance(unknown, VersionNotFoundError)


async def test_limits_of_a_live_model_are_changed(mesh) -> None:
    version = await mesh.register(weights(1.0))
    limits = limits_to_proto(ContributionLimits(max_norm=1.0))

    answer = await mesh.stub.UpdateModel(pb.UpdateModelRequest(model="policy", limits=limits, num_versions_kept=3))
    refused = await mesh.refusal(pushed(mesh, "raw", version, 1.0))
    other_mode = consistency_to_proto(StaleSynchronous(1))
    wrong = await mesh.refusal(mesh.stub.UpdateModel(pb.UpdateModelRequest(model="policy", consistency=other_mode)))

    assert (answer.info.settings.limits.max_norm, answer.info.settings.num_versions_kept) == (1.0, 3)
    assert "norm" in str(refused)
    assert isinstance(wrong, InvalidArgumentError)
    assert (await mesh.client.get_model("policy")).settings.consistency == Asynchronous()


async def test_a_deleted_model_is_gone_for_everybody_and_its_name_is_free(mesh) -> None:
    version = await mesh.register(weights(1.0))
    await mesh.pull_raw()
    watching = aiter(mesh.stub.Watch(pb.WatchRequest(model="policy", with_values=True)))
    for _ in range(2):
        await anext(watching)

    await mesh.stub.DeleteModel(pb.DeleteModelRequest(model="policy"))

    assert isinstance(await mesh.refusal(anext(watching)), ModelNotFoundError)
    assert isinstance(await mesh.refusal(mesh.pull_raw()), ModelNotFoundError)
    assert (await mesh.register(weights(5.0))).epoch == version.epoch
    assert set((await mesh.pull_raw()).values) == {5.0}


async def test_the_rounds_of_a_shard_are_told_in_order(mesh) -> None:
    version = await mesh.register(weights(1.0), ModelSettings(shard=Shard(0, 2)))
    stream = aiter(mesh.stub.WatchRounds(pb.WatchRoundsRequest(model="policy")))
    opening = await anext(stream)
    await pushed(mesh, "raw", version, 1.0, "one")
    await mesh.client.update_model("policy", num_versions_kept=3)
    await pushed(mesh, "raw", version, 1.0, "two")

    first, changed, second = [await anext(stream) for _ in range(3)]

    # Settings come with the stream and before the round that is made with them.
    assert [r.round_id for r in (opening, first, changed, second)] == [0, 1, 0, 2]
    assert [r.version.number for r in (first, second)] == [2, 3]
    assert [c.request_id for r in (first, second) for c in r.contributions] == ["one", "two"]
    kept = [r.settings.num_versions_kept for r in (opening, first, changed, second)]
    assert kept == [8, 8, 3, 3]


async def test_whoever_holds_no_lease_is_not_invited(mesh) -> None:
    await mesh.register(weights(1.0))
    request = pb.JoinRoundsRequest(model="policy", fencing_token=7)

    error = await mesh.refusal(anext(aiter(mesh.stub.JoinRounds(request, metadata=caller("a")))))

    assert isinstance(error, FencedError)


async def test_figures_follow_the_model(mesh) -> None:
    version = await mesh.register(weights(1.0))
    await pushed(mesh, "raw", version, 1.0)

    info = await mesh.client.get_model("policy")

    assert (info.num_bytes, info.num_bytes_received, info.staleness_histogram) == (16, 16, (1,))
