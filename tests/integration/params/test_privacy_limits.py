"""Many clients at once at the real service: whatever they do, nobody's budget is passed."""

import asyncio
import contextlib
from collections import Counter

import numpy as np
import pytest

from heronry.client import BufferedAsynchronous, ConnectionOptions, ContributionKind, ModelSettings, ParamsClient
from heronry.privacy.accounting import gaussian_epsilon
from heronry.types.consistency import Consistency, SampledRounds
from heronry.types.errors import (
    BudgetExhaustedError,
    FailedPreconditionError,
    ResourceExhaustedError,
    StaleContributionError,
)
from heronry.types.privacy import (
    BufferedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    Noise,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)

NUM_CLIENTS = 32
DELTA = 1e-3


def claim(noise: Noise, limit: float, consistency: Consistency) -> ModelSettings:
    is_drawn = isinstance(consistency, SampledRounds)
    privacy = PrivacySettings(
        unit=PrivacyUnit.CLIENT,
        relation=NeighbourRelation.ADD_OR_REMOVE_ONE if is_drawn else NeighbourRelation.ZERO_OUT_ONE,
        population=NUM_CLIENTS,
        delta=DELTA,
        epsilon_limit=limit,
        clip=FixedClip(1.0),
        noise=noise,
    )
    return ModelSettings(consistency=consistency, privacy=privacy)


class Crowd:
    """Clients that push without pause, whatever they are told."""

    def __init__(self, mesh, clients: list[ParamsClient]) -> None:
        self._mesh = mesh
        self.clients = clients
        self.counted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.refusal: BudgetExhaustedError | None = None

    async def push(self, client: ParamsClient, num_times: int) -> None:
        for _ in range(num_times):
            base = (await client.pull("policy")).version
            values = {"w": np.ones(8, np.float32)}
            try:
                await client.push("policy", values, base_version=base, kind=ContributionKind.DELTA)
            except BudgetExhaustedError as error:
                self.refusal = error
                self.refused[client.client_id] += 1
            except (FailedPreconditionError, ResourceExhaustedError, StaleContributionError):
                self.refused[client.client_id] += 1
                await asyncio.sleep(0)
            else:
                self.counted[client.client_id] += 1

    async def all_push(self, num_times: int) -> None:
        await asyncio.gather(*(self.push(client, num_times) for client in self.clients))


@contextlib.asynccontextmanager
async def crowd(mesh, settings: ModelSettings):
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                ParamsClient(mesh.node.addresses, ConnectionOptions(client_id=f"client-{n:02}", shares_memory=False))
            )
            for n in range(NUM_CLIENTS)
        ]
        await mesh.client.register_model("policy", {"w": np.zeros(8, np.float32)}, settings)
        yield Crowd(mesh, clients)


async def test_no_client_of_thirty_two_passes_its_own_limit_and_each_may_spend_it(mesh) -> None:
    noise, allowed = IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False), 3
    limit = gaussian_epsilon(2.0, allowed, DELTA) * (1 + 1e-9)

    async with crowd(mesh, claim(noise, limit, BufferedAsynchronous(4))) as clients:
        await clients.all_push(12)
        status = await mesh.client.get_privacy_status("policy")
        spendings = await mesh.client.list_client_spendings("policy")

    assert max(clients.counted.values()) <= allowed
    assert status.epsilon_spent <= limit
    assert max(spending.num_participations for spending in spendings) == allowed
    assert all(spending.epsilon_spent <= limit for spending in spendings)
    assert status.num_releases >= NUM_CLIENTS * allowed // 4 - 3
    assert clients.refusal is not None
    assert float(clients.refusal.details["would_be"]) > limit >= float(clients.refusal.details["spent"])
    assert float(clients.refusal.details["delta"]) == DELTA


async def test_the_pattern_of_a_horizon_holds_and_no_further_horizon_is_begun(mesh) -> None:
    noise = CorrelatedNoise(2.0, 8, 2, 3, BufferedFactorisation(2))
    # One horizon, and not two.
    limit = gaussian_epsilon(2.0, 1, DELTA) * 1.2

    async with crowd(mesh, claim(noise, limit, BufferedAsynchronous(4))) as clients:
        await clients.all_push(12)
        status = await mesh.client.get_privacy_status("policy")

    assert max(clients.counted.values()) <= 2
    assert status.num_releases == 8
    assert status.epsilon_spent <= limit
    assert status.epsilon_spent == pytest.approx(gaussian_epsilon(2.0, 1, DELTA), rel=1e-6)
    assert clients.refusal is not None


async def test_drawn_cohorts_end_when_everybodys_budget_is_spent(mesh) -> None:
    noise = IndependentNoise(1.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True)
    settings = claim(noise, 6.0, SampledRounds(NUM_CLIENTS, 0.2, sampling_rate=0.5, closes_early=True))

    async with crowd(mesh, settings) as clients, contextlib.AsyncExitStack() as stack:
        for client in clients.clients:
            await stack.enter_async_context(client.worker("policy"))
        async with asyncio.timeout(40):
            while clients.refusal is None:
                await clients.all_push(2)
        status = await mesh.client.get_privacy_status("policy")

    assert status.num_releases >= 1
    assert status.epsilon_spent <= 6.0 < status.epsilon_after
