"""Leases of workers, and the rounds they are drawn for."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from heronry.types.consistency import StaleSynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import DeadlineExceededError, FailedPreconditionError, FencedError, HeronryError
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.types.run import ServiceRole

TENSORS = {"weight": np.zeros(6, np.float32)}
ONES = {"weight": np.ones(6, np.float32)}
LEASED = ModelSettings(limits=ContributionLimits(requires_lease=True))
ROUNDS = ModelSettings(SynchronousRounds(cohort_size=1))


async def test_a_lease_is_granted_renewed_and_given_back(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS)

    lease = await clients.params.register_worker("policy")
    renewed = await clients.params.heartbeat("policy", lease.fencing_token)
    await clients.params.unregister_worker("policy", lease.fencing_token)

    assert renewed.fencing_token == lease.fencing_token
    assert lease.duration_s > 0
    with pytest.raises(FencedError):
        await clients.params.heartbeat("policy", lease.fencing_token)


async def test_without_a_lease_a_contribution_that_needs_one_is_refused(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, LEASED)

    with pytest.raises(FailedPreconditionError):
        await clients.params.push("policy", ONES, base_version=version)


async def test_a_worker_holds_a_lease_and_shows_its_token(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, LEASED)

    async with clients.params.worker("policy") as worker:
        acknowledgement = await worker.push(ONES, base_version=version)
        (during,) = await clients.params.list_workers("policy")
    (after,) = await clients.params.list_workers("policy")

    assert acknowledgement.counted
    assert during.lease_remaining_s > 0
    assert during.num_accepted == 1
    assert after.lease_remaining_s == 0


async def test_a_worker_that_comes_back_fences_the_one_before(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, LEASED)

    async with clients.params.worker("policy", 1) as before, clients.params.worker("policy", 2) as after:
        with pytest.raises(FencedError):
            await before.push(ONES, base_version=version)
        acknowledgement = await after.push(ONES, base_version=version)

    assert acknowledgement.counted


async def test_outside_with_a_worker_has_no_lease(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS, LEASED)
    worker = clients.params.worker("policy", 1)

    with pytest.raises(FailedPreconditionError, match="no lease"):
        _ = worker.fencing_token


async def test_a_worker_is_invited_round_by_round(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS, ROUNDS)
    round_ids = []

    async with clients.params.worker("policy") as worker:
        rounds = worker.rounds()
        for _ in range(3):
            invitation = await anext(rounds)
            round_ids.append(invitation.round_id)
            acknowledgement = await worker.push(
                ONES,
                base_version=invitation.base_version,
                kind=ContributionKind.DELTA,
                round_id=invitation.round_id,
            )
        await rounds.aclose()
    parameters = await clients.params.pull("policy")

    assert round_ids == [round_ids[0], round_ids[0] + 1, round_ids[0] + 2]
    assert acknowledgement.closed_round
    np.testing.assert_array_equal(parameters["weight"], np.full(6, 3, np.float32))


async def test_an_invitation_tells_the_time_left(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model(
        "policy", TENSORS, ModelSettings(SynchronousRounds(1, deadline_s=30.0))
    )

    async with clients.params.worker("policy") as worker:
        invitation = await worker.join_round(timeout_s=5.0)

    assert invitation.base_version == version
    assert invitation.remaining_s is not None
    assert 0 < invitation.remaining_s <= 30.0


async def test_whoever_is_not_drawn_waits_in_vain(clients: SimpleNamespace) -> None:
    await clients.params.register_model("policy", TENSORS, ModelSettings(SynchronousRounds(2)))

    async with clients.params.worker("policy") as worker:
        with pytest.raises(DeadlineExceededError, match="JoinRounds of 'policy'"):
            await worker.join_round(timeout_s=0.2)


async def test_joining_without_a_worker_takes_the_token(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, ROUNDS)
    lease = await clients.params.register_worker("policy")

    invitation = await clients.params.join_round("policy", lease.fencing_token, timeout_s=5.0)

    assert invitation.base_version == version


async def test_the_pull_of_a_worker_too_far_ahead_waits_with_a_timeout(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, ModelSettings(StaleSynchronous(max_lead=0)))
    await clients.params.register_worker("policy")

    async with clients.params.worker("policy", 1) as worker:
        await worker.push(ONES, base_version=version)
        parameters = await clients.params.pull("policy", wait_s=0.1)

    # It is the only worker, and therefore the slowest one too.
    assert parameters.version.number == version.number + 1


async def test_heartbeats_keep_a_lease_beyond_its_length(clients: SimpleNamespace, services: Any) -> None:
    await services.stop(ServiceRole.PARAMS)
    services.params_settings = {"lease_s": 0.3}
    await services.start(ServiceRole.PARAMS)
    version, _ = await clients.params.register_model("policy", TENSORS, LEASED)

    async with clients.params.worker("policy") as worker:
        assert await clients.params.pull("policy", newer_than=version, wait_s=0.6) is None
        acknowledgement = await worker.push(ONES, base_version=version)

    assert acknowledgement.counted


async def test_a_lease_that_a_restarted_service_forgot_is_asked_for_again(
    clients: SimpleNamespace, services: Any
) -> None:
    services.params_settings = {"lease_s": 0.3}
    await services.stop(ServiceRole.PARAMS)
    await services.start(ServiceRole.PARAMS)
    version, _ = await clients.params.register_model("policy", TENSORS, LEASED)

    async with clients.params.worker("policy") as worker:
        await services.stop(ServiceRole.PARAMS)
        await services.start(ServiceRole.PARAMS)
        newest = (await clients.params.pull("policy", wait_s=5.0)).version
        assert await clients.params.pull("policy", newer_than=newest, wait_s=0.6) is None
        acknowledgement = await worker.push(ONES, base_version=newest)

    assert acknowledgement.counted
    assert newest.epoch > version.epoch


async def test_a_token_of_nobody_is_refused(clients: SimpleNamespace) -> None:
    version, _ = await clients.params.register_model("policy", TENSORS, LEASED)

    with pytest.raises(HeronryError):
        await clients.params.push("policy", ONES, base_version=version, fencing_token=12345)
