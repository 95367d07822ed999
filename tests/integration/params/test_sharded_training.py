"""What users of a whole model expect of one in three services: feedback, bases, workers, optimisers, privacy."""

import asyncio
from contextlib import aclosing

import numpy as np
import pytest
from model_shards import ROLES, constant, random

import heronry.client.sync as blocking
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.options import ConnectionOptions
from heronry.client.remote_optimizer import RemoteOptimizer
from heronry.types.consistency import StaleSynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import (
    BudgetExhaustedError,
    FailedPreconditionError,
    InvalidArgumentError,
    InvalidContributionError,
    StaleContributionError,
)
from heronry.types.models import ModelSettings
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer
from heronry.types.privacy import NeighbourRelation


@pytest.mark.parametrize("codec", [ParameterCodec.TOP_K, ParameterCodec.INT8])
async def test_with_feedback_what_codecs_lose_is_sent_later(shards, codec: ParameterCodec) -> None:
    client, feedback = shards.client(), ErrorFeedback()
    rng = np.random.default_rng(1)
    version, _ = await client.register_model("policy", constant(0.0), ModelSettings(optimizer=SgdOptimizer(1.0)))
    total = np.zeros((25, 4))

    for _ in range(6):
        gradient = rng.normal(size=(25, 4)).astype(np.float32)
        total += gradient
        answer = await client.push(
            "policy", {"weight": gradient}, base_version=version, codec=codec, top_k_share=0.1, feedback=feedback
        )
        version = answer.version

    moved = -(await client.pull("policy", number=version.number))["weight"]
    assert feedback.residual is not None
    assert np.abs(feedback.residual).max() > 0
    np.testing.assert_allclose(moved + feedback.residual.reshape(25, 4), total, atol=1e-5)


async def test_a_contribution_that_the_first_shard_refuses_stays_in_the_residual(shards) -> None:
    client, feedback = shards.client(), ErrorFeedback()
    version, _ = await client.register_model("policy", constant(0.0))
    for _ in range(20):
        base = (await client.pull("policy", wait_s=5.0)).version
        await client.push("policy", constant(0.0), base_version=base, kind=ContributionKind.DELTA)

    with pytest.raises(StaleContributionError):
        await client.push("policy", constant(3.0), base_version=version, codec=ParameterCodec.BF16, feedback=feedback)

    assert feedback.residual.tolist() == [3.0] * 100


async def test_values_that_a_later_shard_refuses_are_dropped(shards) -> None:
    client, feedback = shards.client(), ErrorFeedback()
    version, _ = await client.register_model("policy", constant(0.0))
    values = constant(1.0)
    values["weight"][-1, -1] = np.inf

    with pytest.raises(InvalidContributionError):
        await client.push("policy", values, base_version=version, feedback=feedback)
    await client.push("policy", constant(1.0), base_version=version, kind=ContributionKind.DELTA, feedback=feedback)

    assert np.unique((await client.pull("policy"))["weight"]).tolist() == [1.0]


async def test_differences_travel_to_a_version_that_the_reader_holds(shards) -> None:
    client = shards.client()
    rng = np.random.default_rng(2)
    first = random(rng)
    await client.register_model("policy", first, None, ROLES)
    held = await client.pull("policy")
    step = {name: np.zeros_like(value) for name, value in first.items()}
    step["layer"][2, 3] = 0.5
    step["head"][0, 1, 2] = 0.25
    await client.push("policy", step, base_version=held.version, kind=ContributionKind.DELTA)

    pulled = await client.pull("policy", codec=ParameterCodec.TOP_K, base=held)

    exact = await client.pull("policy")
    assert pulled.version == exact.version
    assert {name: value.tolist() for name, value in pulled.items()} == {n: v.tolist() for n, v in exact.items()}
    with pytest.raises(InvalidArgumentError, match="base"):
        await client.pull("policy", codec=ParameterCodec.INT8, base=pulled)
    await shards.one(0).register_model("whole", first, None, ROLES)
    whole = await shards.one(0).pull("whole")
    with pytest.raises(InvalidArgumentError, match="pulled from these shards"):
        await client.pull("policy", codec=ParameterCodec.INT8, base=whole)


async def test_a_worker_holds_its_lease_at_the_first_shard_and_pushes_to_all(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(0.0), ModelSettings(consistency=SynchronousRounds(1)))

    async with client.worker("policy") as worker:
        invitations = []
        async with aclosing(worker.rounds()) as rounds:
            async for invitation in rounds:
                invitations.append(invitation)
                base = await client.pull("policy", number=invitation.base_version.number)
                assert base.version.is_newer_than(None)
                fields = {"base_version": base.version, "round_id": invitation.round_id}
                await worker.push(constant(2.0), kind=ContributionKind.DELTA, **fields)
                if len(invitations) == 3:
                    break
        workers = await client.list_workers("policy")

    assert [invitation.round_id for invitation in invitations] == [1, 2, 3]
    assert [(w.client_id, w.num_participated) for w in workers] == [("worker", 3)]
    assert np.unique((await client.pull("policy"))["weight"]).tolist() == [6.0]


async def test_a_worker_that_is_ahead_waits_if_it_may(shards) -> None:
    fast, slow = shards.client("fast"), shards.client("slow")
    await fast.register_model("policy", constant(0.0), ModelSettings(consistency=StaleSynchronous(0)))
    async with fast.worker("policy") as ahead, slow.worker("policy") as behind:
        base = (await fast.pull("policy")).version
        await ahead.push(constant(1.0), base_version=base, kind=ContributionKind.DELTA)

        with pytest.raises(FailedPreconditionError, match="say how long to wait"):
            await fast.pull("policy", newer_than=base)
        waiting = asyncio.create_task(fast.pull("policy", newer_than=base, wait_s=10.0))
        await behind.push(constant(1.0), base_version=base, kind=ContributionKind.DELTA)

        assert (await waiting).version.number >= 2


@pytest.mark.parametrize("kind", [ContributionKind.GRADIENT, ContributionKind.DELTA, ContributionKind.WEIGHTS])
async def test_a_remote_optimiser_does_with_shards_what_it_does_with_a_whole_model(
    shards, kind: ContributionKind
) -> None:
    rng = np.random.default_rng(4)
    first = {"w": rng.normal(size=(7, 9)).astype(np.float32), "b": np.zeros(5, np.float32)}
    gradients = [{n: rng.normal(size=v.shape).astype(np.float32) for n, v in first.items()} for _ in range(5)]
    settings = ModelSettings(optimizer=AdamOptimizer(0.05) if kind is ContributionKind.GRADIENT else SgdOptimizer(0.7))
    ends: list[dict[str, list[float]]] = []

    for client, model in ((shards.one(0), "whole"), (shards.client(), "sharded")):
        own = {name: value.copy() for name, value in first.items()}
        optimizer = RemoteOptimizer(client, model, own, kind=kind, wait_s=5.0)
        assert await optimizer.register(settings)
        for gradient in gradients:
            if kind is not ContributionKind.GRADIENT:
                for name, value in gradient.items():
                    own[name] -= np.float32(0.1) * value
            await optimizer.step(gradients=gradient)
        assert (optimizer.num_refused, optimizer.version.number) == (0, 6)
        ends.append({name: value.tolist() for name, value in own.items()})

    assert ends[0] == ends[1]


async def test_a_lossy_remote_optimiser_keeps_one_feedback_for_all_shards(shards) -> None:
    own = {"weight": np.full((25, 4), 1.0, np.float32)}
    optimizer = RemoteOptimizer(shards.client(), "policy", own, codec=ParameterCodec.TOP_K, top_k_share=0.25)
    await optimizer.register(ModelSettings(optimizer=SgdOptimizer(1.0)))

    for _ in range(4):
        await optimizer.step(gradients={"weight": np.ones((25, 4), np.float32)})

    moved = 1.0 - own["weight"].reshape(-1)
    assert (moved + optimizer.feedback.residual).tolist() == [4.0] * 100


async def test_local_privacy_bounds_the_whole_contribution_and_is_charged_once(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0))
    privacy = LocalPrivacy(
        1.0, relation=NeighbourRelation.ADD_OR_REMOVE_ONE, delta=1e-6, epsilon_limit=5.0, noise_multiplier=2.0**-20
    )
    with pytest.raises(BudgetExhaustedError):
        await client.push("policy", constant(9.0), base_version=version, local_privacy=privacy)
    generous = LocalPrivacy(
        1.0, relation=NeighbourRelation.ADD_OR_REMOVE_ONE, delta=1e-6, epsilon_limit=1e30, noise_multiplier=2.0**-20
    )

    await client.push(
        "policy", constant(9.0), base_version=version, kind=ContributionKind.DELTA, local_privacy=generous
    )

    pulled = await client.pull("policy", newer_than=version, wait_s=5.0)
    assert (privacy.num_pushes, generous.num_pushes) == (0, 1)
    # All hundred values are equal: clipped to an L2 norm of 1 together, each is a tenth.
    np.testing.assert_allclose(pulled["weight"], 0.1, atol=1e-4)


async def test_what_is_validated_counts_nowhere(shards) -> None:
    client = shards.client()
    version, _ = await client.register_model("policy", constant(0.0))
    wrong = constant(1.0)
    wrong["weight"][-1, -1] = np.nan

    await client.validate("policy", constant(1.0), base_version=version)
    with pytest.raises(InvalidContributionError):
        await client.validate("policy", wrong, base_version=version)

    infos = [await shards.one(index).get_model("policy") for index in range(3)]
    assert [(info.version.number, info.num_pending) for info in infos] == [(1, 0)] * 3


async def test_versions_are_watched_without_their_values(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(0.0))

    async with aclosing(client.watch("policy", with_values=False)) as versions:
        head = await anext(versions)

    assert (head.version.number, len(head), head.schema) == (1, 0, (await client.get_model("policy")).schema)


async def test_what_makes_no_sense_in_shards_is_refused_by_name(shards) -> None:
    client = shards.client()
    await client.register_model("policy", constant(0.0))

    with pytest.raises(FailedPreconditionError, match="export_version: got a model in shards, allowed: pull"):
        await client.export_version("policy", "somewhere")
    with pytest.raises(FailedPreconditionError, match="sum_securely: got a model in shards"):
        await client.sum_securely("policy", constant(1.0))
    assert [info.model for info in await client.list_models()] == ["policy"]
    assert len(set(await client.save_checkpoint())) == 3
    assert not (await client.get_privacy_status("policy")).has_claim


async def test_the_blocking_worker_and_optimiser_work_over_shards(shards) -> None:
    def train() -> list[float]:
        own = {"weight": np.zeros((25, 4), np.float32)}
        options = ConnectionOptions(client_id="worker")
        with blocking.ShardedParamsClient(shards.addresses, options) as client:
            client.register_model("policy", own, ModelSettings(consistency=SynchronousRounds(1)))
            with client.worker("policy") as worker:
                fields = {"kind": ContributionKind.DELTA, "worker": worker, "wait_s": 5.0}
                optimizer = blocking.RemoteOptimizer(client, "policy", own, **fields)
                optimizer.pull()
                invitation = worker.join_round(timeout_s=10.0)
                own["weight"] += 1.5
                optimizer.step(round_id=invitation.round_id)
                assert optimizer.num_refused == 0
        return np.unique(own["weight"]).tolist()

    assert await asyncio.to_thread(train) == [1.5]
