"""Rounds of secure aggregation through the SDK: drop-outs, thresholds, budgets, restarts, what is refused."""

import asyncio
import math
from pathlib import Path

import numpy as np
import pytest

from heronry.api.params.v1 import secure_pb2 as pb
from heronry.client.options import ConnectionOptions
from heronry.client.sync import ParamsClient as BlockingClient
from heronry.types.contribution import Acknowledgement, ContributionKind
from heronry.types.errors import (
    BudgetExhaustedError,
    DataLossError,
    FailedPreconditionError,
    FencedError,
    InvalidArgumentError,
    MalformedMessageError,
    MessageTooLargeError,
    PermissionDeniedError,
    RoundAbandonedError,
    StaleContributionError,
    UnavailableError,
    UnsoundRoundError,
)
from heronry.types.privacy import DistributedNoise
from heronry.wire.chunks import cut_frames
from tests.integration.params.conftest import METADATA, Mesh, running
from tests.integration.params.secure_clients import (
    CLAIM,
    STEPS,
    VanishedError,
    clients_of,
    clipped_sum,
    settings,
    vectors_of,
)

NAMES = [f"client-{index}" for index in range(6)]
NUM = 400


async def registered(mesh: Mesh, **fields: object):
    zeros = {"weight": np.zeros(NUM, np.float32)}
    return (await mesh.client.register_model("policy", zeros, settings(**fields)))[0]


async def values_of(mesh: Mesh) -> np.ndarray:
    return np.array((await mesh.client.pull("policy"))["weight"], np.float64)


def assert_noised(found: np.ndarray, expected: np.ndarray, num_survivors: int) -> None:
    """Compare a mean over the cohort of six with its plain values: the rest must be noise as claimed.

    The largest of 400 normal values is beyond 6 deviations once in a million tests, their spread 25 % off once in 1e11.
    """
    deviation = CLAIM.noise_multiplier * math.sqrt(num_survivors / CLAIM.min_survivors) / 6
    rest = found - expected / 6
    assert np.max(np.abs(rest)) < 6 * deviation
    assert 0.75 < np.std(rest) / deviation < 1.25


async def test_the_service_publishes_the_mean_of_clipped_vectors_with_the_noise_claimed(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)

        outcome = await clients.run(vectors, base)

    assert {answer.version.number for answer in outcome.answers.values()} == {2}
    assert outcome.errors == {}
    assert_noised(await values_of(mesh), clipped_sum(vectors.values()), 6)


@pytest.mark.parametrize("step", STEPS)
async def test_two_of_six_may_vanish_at_any_step(mesh: Mesh, step: str) -> None:
    base = await registered(mesh)
    gone = dict.fromkeys(NAMES[1:3], step)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)

        outcome = await clients.run(vectors, base, gone)
        spendings = await mesh.client.list_client_spendings("policy")

    assert {type(error) for error in outcome.errors.values()} == {VanishedError}
    assert set(outcome.answers) == set(NAMES) - set(gone)
    # Whoever vanishes after its masked vector was taken is in the sum, and pays.
    counted = NAMES if step == "unmask" else sorted(outcome.answers)
    assert [spending.client_id for spending in spendings] == sorted(counted)
    assert_noised(await values_of(mesh), clipped_sum(vectors[name] for name in counted), len(counted))


@pytest.mark.parametrize("step", STEPS)
async def test_below_the_fewest_survivors_the_round_is_abandoned_and_the_next_one_counts(mesh: Mesh, step: str) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)

        outcome = await clients.run(vectors, base, dict.fromkeys(NAMES[:3], step))
        abandoned = await mesh.client.get_model("policy")
        again = await clients.run(vectors, base)

    assert {type(outcome.errors[name]) for name in NAMES[3:]} == {RoundAbandonedError}
    assert abandoned.version == base
    assert len(again.answers) == 6
    assert_noised(await values_of(mesh), clipped_sum(vectors.values()), 6)


async def test_an_abandoned_round_that_was_reserved_counts_as_spent(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        await clients.run(vectors_of(NAMES), base, dict.fromkeys(NAMES[:3], "unmask"))

        spendings = await mesh.client.list_client_spendings("policy")

    assert [(spending.client_id, spending.num_participations) for spending in spendings] == [(n, 1) for n in NAMES]


async def test_a_client_joins_again_when_its_round_was_abandoned(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)
        staying = [clients.contribute(name, vectors[name], base, max_rounds=2) for name in NAMES[3:]]
        work = asyncio.gather(*staying)
        await clients.run({name: vectors[name] for name in NAMES[:3]}, base, dict.fromkeys(NAMES[:3], "roster"))

        await clients.run({name: vectors[name] for name in NAMES[:3]}, base)
        answers = await work

    assert {answer.version.number for answer in answers} == {2}


async def test_a_silent_client_drops_out_at_the_deadline(mesh: Mesh) -> None:
    base = await registered(mesh, deadline_s=0.4)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES[1:])
        async with clients.silent(NAMES[0], base):
            outcome = await clients.run(vectors, base)

    assert set(outcome.answers) == set(NAMES[1:])


def _flipped(frame: bytes) -> bytes:
    return frame[:-1] + bytes([frame[-1] ^ 1]) if _part(frame) == "chunk" else frame


def _short(frame: bytes) -> bytes:
    if _part(frame) != "chunk":
        return frame
    return cut_frames(bytes(4 * (NUM - 1)), pb.SumSecurelyRequest)[0]


def _long(frame: bytes) -> bytes:
    return cut_frames(bytes(4 * (NUM + 1)), pb.SumSecurelyRequest)[0] if _part(frame) == "chunk" else frame


def _weak_key(frame: bytes) -> bytes:
    if _part(frame) != "keys":
        return frame
    return pb.SumSecurelyRequest(keys=pb.SecureKeys(sealing_key=bytes(32), mask_key=bytes(32))).SerializeToString()


def _out_of_order(frame: bytes) -> bytes:
    return frame if _part(frame) == "header" else pb.SumSecurelyRequest(revealed={}).SerializeToString()


def _noise(frame: bytes) -> bytes:
    return frame if _part(frame) == "header" else b"\xff" * 9


def _part(frame: bytes) -> str | None:
    return pb.SumSecurelyRequest.FromString(frame).WhichOneof("part")


MANGLED = {
    "a flipped bit": (_flipped, DataLossError),
    "a vector too short": (_short, DataLossError),
    "a vector too long": (_long, MessageTooLargeError),
    "a key of low order": (_weak_key, MalformedMessageError),
    "another message": (_out_of_order, InvalidArgumentError),
    "no message": (_noise, InvalidArgumentError),
}


@pytest.mark.parametrize("case", MANGLED.values(), ids=MANGLED)
async def test_a_client_that_says_something_wrong_is_told_so_by_name_and_drops_out(mesh: Mesh, case) -> None:
    mangle, refusal = case
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)
        wrong = asyncio.create_task(clients.mangled(NAMES[0], vectors[NAMES[0]], base, mangle))

        outcome = await clients.run({name: vectors[name] for name in NAMES[1:]}, base)
        with pytest.raises(refusal):
            await wrong

    assert set(outcome.answers) == set(NAMES[1:])
    assert_noised(await values_of(mesh), clipped_sum(vectors[name] for name in NAMES[1:]), 5)


async def test_a_stream_without_a_header_is_refused(mesh: Mesh) -> None:
    error = await mesh.refusal(mesh.stub.SumSecurely(iter(()), metadata=METADATA).read())

    assert isinstance(error, InvalidArgumentError)


async def test_a_later_stream_of_a_client_that_waits_takes_its_place(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)
        former = asyncio.create_task(clients.contribute(NAMES[0], vectors[NAMES[0]], base))
        later = asyncio.create_task(clients.contribute(NAMES[0], vectors[NAMES[0]], base))
        # Whichever comes first: the other one takes its place.
        done, _ = await asyncio.wait((former, later), return_when=asyncio.FIRST_COMPLETED, timeout=10)
        outcome = await clients.run({name: vectors[name] for name in NAMES[1:]}, base)
        answers = await asyncio.gather(former, later, return_exceptions=True)

    assert len(done) == 1
    assert sorted(type(answer).__name__ for answer in answers) == ["AbortedError", "Acknowledgement"]
    assert len(outcome.answers) == 5


async def test_blocking_clients_take_part_too(mesh: Mesh) -> None:
    base = await registered(mesh)
    vectors = vectors_of(NAMES)

    def contribute() -> Acknowledgement:
        with BlockingClient(mesh.node.addresses, ConnectionOptions(client_id=NAMES[0])) as client:
            token = client.register_worker("policy").fencing_token
            values = {"weight": vectors[NAMES[0]]}
            return client.sum_securely("policy", values, base_version=base, claim=CLAIM, fencing_token=token)

    async with clients_of(mesh.node.addresses, NAMES[1:]) as clients:
        answer, outcome = await asyncio.gather(
            asyncio.to_thread(contribute), clients.run({name: vectors[name] for name in NAMES[1:]}, base)
        )

    assert answer.version.number == 2
    assert len(outcome.answers) == 5


async def test_a_round_begins_with_fewer_when_no_more_come_in_time(mesh: Mesh) -> None:
    base = await registered(mesh, deadline_s=0.3, quorum=4)
    async with clients_of(mesh.node.addresses, NAMES[:5]) as clients:
        vectors = vectors_of(NAMES[:5])

        outcome = await clients.run(vectors, base)

    assert len(outcome.answers) == 5
    # The denominator is the cohort's size, whoever comes.
    assert_noised(await values_of(mesh), clipped_sum(vectors.values()), 5)


async def test_gradients_are_descended_along(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)

        await clients.run(vectors, base, kind=ContributionKind.GRADIENT)

    assert_noised(await values_of(mesh), -clipped_sum(vectors.values()), 6)


async def test_a_client_whose_budget_is_used_up_is_refused_and_others_go_on(mesh: Mesh) -> None:
    first = await registered(mesh, epsilon_limit=1e9)
    status = await mesh.client.get_privacy_status("policy")
    await mesh.client.delete_model("policy")
    limit = status.epsilon_after * 1.01
    base = await registered(mesh, epsilon_limit=limit)
    newcomers = [f"new-{index}" for index in range(6)]
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        await clients.run(vectors_of(NAMES), base)
        version = (await mesh.client.get_model("policy")).version

        with pytest.raises(BudgetExhaustedError) as refused:
            await clients.contribute(NAMES[0], vectors_of(NAMES)[NAMES[0]], version)
        await clients.come(newcomers)
        outcome = await clients.run(vectors_of(newcomers), version)

    assert first.number == 1
    assert float(refused.value.details["would_be"]) > limit
    assert len(outcome.answers) == 6


async def test_who_takes_part_is_who_calls(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES[:2]) as clients:
        vector = vectors_of(NAMES)[NAMES[0]]

        with pytest.raises(PermissionDeniedError, match="caller's identity"):
            await clients.forge(NAMES[0], NAMES[1], base)
        with pytest.raises(FencedError):
            await clients.contribute(NAMES[0], vector, base, fencing_token=clients.tokens[NAMES[1]])
        await clients.clients[NAMES[0]].unregister_worker("policy", clients.tokens[NAMES[0]])
        with pytest.raises(FencedError):
            await clients.contribute(NAMES[0], vector, base, fencing_token=0)

    info = await mesh.client.get_model("policy")
    assert info.refusals == {"PermissionDeniedError": 1, "FencedError": 2}


async def test_a_push_to_such_a_model_is_refused_by_name(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES[:1]) as clients:
        values, token = {"weight": np.zeros(NUM, np.float32)}, clients.tokens[NAMES[0]]
        client = clients.clients[NAMES[0]]

        for kind in (ContributionKind.DELTA, ContributionKind.WEIGHTS):
            with pytest.raises(FailedPreconditionError, match="SumSecurely"):
                await client.push("policy", values, base_version=base, kind=kind, fencing_token=token)
        with pytest.raises(FailedPreconditionError, match="SumSecurely"):
            await client.validate("policy", values, base_version=base, fencing_token=token)


async def test_weights_and_old_versions_are_refused(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors = vectors_of(NAMES)
        with pytest.raises(InvalidArgumentError, match="kind"):
            await clients.contribute(NAMES[0], vectors[NAMES[0]], base, kind=ContributionKind.WEIGHTS)
        await clients.run(vectors, base)

        with pytest.raises(StaleContributionError):
            await clients.contribute(NAMES[0], vectors[NAMES[0]], base)


async def test_a_client_does_not_take_part_in_a_round_with_less_than_it_was_promised(mesh: Mesh) -> None:
    base = await registered(mesh)
    async with clients_of(mesh.node.addresses, NAMES) as clients:
        vectors, promised = vectors_of(NAMES), DistributedNoise(0.02, 4)
        careful = asyncio.create_task(clients.contribute(NAMES[0], vectors[NAMES[0]], base, claim=promised))

        outcome = await clients.run({name: vectors[name] for name in NAMES[1:]}, base)
        with pytest.raises(UnsoundRoundError, match="noise_multiplier"):
            await careful

    assert len(outcome.answers) == 5


async def test_a_model_without_distributed_noise_takes_no_secure_sums(mesh: Mesh) -> None:
    version, _ = await mesh.client.register_model("policy", {"weight": np.zeros(NUM, np.float32)})
    async with clients_of(mesh.node.addresses, NAMES[:1]) as clients:
        with pytest.raises(FailedPreconditionError, match="takes no secure sums"):
            await clients.contribute(NAMES[0], vectors_of(NAMES)[NAMES[0]], version)


async def test_a_rollback_abandons_the_round_that_runs(mesh: Mesh) -> None:
    base = await registered(mesh, deadline_s=1.0)
    async with clients_of(mesh.node.addresses, NAMES) as clients, clients.silent(NAMES[0], base) as has_begun:
        work = asyncio.create_task(clients.run(vectors_of(NAMES[1:]), base))
        await asyncio.wait_for(has_begun.wait(), 10)

        await mesh.client.rollback_model("policy", number=base.number)
        outcome = await work

    assert {type(error) for error in outcome.errors.values()} == {RoundAbandonedError}


async def test_a_restart_in_the_middle_of_a_round_publishes_nothing_of_it_and_goes_on(tmp_path: Path) -> None:
    vectors = vectors_of(NAMES)
    async with running(tmp_path) as mesh:
        base = await registered(mesh)
        async with clients_of(mesh.node.addresses, NAMES) as clients:
            await clients.run(vectors, base)
            version, before = (await mesh.client.get_model("policy")).version, await values_of(mesh)
            async with clients.silent(NAMES[0], version) as has_begun:
                work = asyncio.create_task(clients.run({name: vectors[name] for name in NAMES[1:]}, version))
                await asyncio.wait_for(has_begun.wait(), 10)
                await mesh.node.stop()
                outcome = await work
    async with running(tmp_path) as mesh, clients_of(mesh.node.addresses, NAMES) as clients:
        restored, after = (await mesh.client.get_model("policy")).version, await values_of(mesh)
        again = await clients.run(vectors, restored)

    assert {type(error) for error in outcome.errors.values()} == {UnavailableError}
    assert restored.number == version.number
    np.testing.assert_array_equal(before, after)
    assert len(again.answers) == 6
