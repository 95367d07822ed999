"""Audits of the real service: what is claimed holds, and a build that is wrong is found out.

Noise cannot be seeded: false alarms of each test are less likely than one in a million.
"""

import random

import numpy as np
import pytest

from heronry.cli.privacy_audit_claim import AuditFlags, claim_of_flags
from heronry.cli.privacy_audit_run import LiveAudit
from heronry.client import (
    Asynchronous,
    BufferedAsynchronous,
    ConnectionOptions,
    ContributionKind,
    ModelSettings,
    ParamsClient,
)
from heronry.params.core.private import noise_sources
from heronry.privacy.accounting import gaussian_epsilon
from heronry.privacy.audit import OneRunAudit, OneRunResult, two_worlds_epsilon
from heronry.types.experience import AcknowledgementLevel
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyStatus,
    PrivacyUnit,
)

# One threshold shows half the noise at a large delta best; the population is below its inverse.
DELTA = 0.1
SURE = 1 - 1e-6


def scaled_noise(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Have the service make less noise than it claims."""
    add = noise_sources.add_rounded_normals
    monkeypatch.setattr(
        noise_sources, "add_rounded_normals", lambda k, i, sigma, total: factor and add(k, i, factor * sigma, total)
    )


async def audited(mesh, flags: AuditFlags, num_canaries: int, num_guesses: int) -> tuple[OneRunResult, PrivacyStatus]:
    claim = claim_of_flags(flags, num_canaries)
    audit = OneRunAudit.toss(num_canaries, num_guesses, claim.privacy.delta, coins=random.Random(7))
    async with LiveAudit.opened(mesh.node.addresses[0], ConnectionOptions(), claim) as live:
        scores = await live.scores(audit.included)
        return audit.judged(scores), await live.status()


async def test_without_noise_a_hundred_guesses_refute_3_4(mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    scaled_noise(monkeypatch, 0.0)

    found, status = await audited(mesh, AuditFlags("fixed", 2.0, 1e-5, rounds=1), 1000, 100)

    assert found.num_right == 100
    assert found.epsilon_bound == pytest.approx(3.4654, abs=5e-4)
    assert found.refutes(status.epsilon_spent)


async def test_with_its_noise_the_claim_is_not_refuted(mesh) -> None:
    found, status = await audited(mesh, AuditFlags("fixed", 2.0, 1e-5, rounds=1), 400, 150)

    # 139 of 150 guesses would have to be right, where each is with a probability of at most 0.76: 1 in 10^7.
    assert status.epsilon_spent == pytest.approx(gaussian_epsilon(2.0, 1, 1e-5), rel=1e-6)
    assert not found.refutes(status.epsilon_spent)


@pytest.mark.parametrize(
    "flags",
    [
        AuditFlags("correlated", 0.5, 1e-5, rounds=6, participations=2, separation=3),
        AuditFlags("tree", 0.5, 1e-5, rounds=6),
        AuditFlags("poisson", 0.5, 1e-5, rounds=3, sampling_rate=0.5),
        AuditFlags("without-replacement", 0.5, 1e-5, rounds=2, cohort=30),
    ],
)
async def test_every_mechanism_can_be_audited_and_its_model_is_gone_afterwards(mesh, flags: AuditFlags) -> None:
    found, status = await audited(mesh, flags, 60, 20)

    # 20 guesses refute 1.82 at most.
    assert status.epsilon_spent > 1.9
    assert not found.refutes(status.epsilon_spent)
    assert status.num_releases == flags.rounds
    assert await mesh.client.list_models() == ()


def episodes(mode: BufferedAsynchronous | Asynchronous) -> ModelSettings:
    """Return a claim of single contributions: nobody's budget is used up."""
    privacy = PrivacySettings(
        unit=PrivacyUnit.EPISODE,
        relation=NeighbourRelation.ZERO_OUT_ONE,
        population=9,
        delta=DELTA,
        epsilon_limit=5.0,
        clip=FixedClip(1.0),
        noise=IndependentNoise(1.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
    )
    return ModelSettings(consistency=mode, privacy=privacy, acknowledgement=AcknowledgementLevel.DISK)


async def scores_of_worlds(mesh, num_canaries: int, num_releases: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores without and with a canary: the places to which nobody, and one contribution, has added."""
    mode, size = BufferedAsynchronous(num_canaries), 2 * num_canaries
    newest, _ = await mesh.client.register_model("policy", {"w": np.zeros(size, np.float32)}, episodes(mode))
    values, releases = [np.zeros(size)], []
    for _ in range(num_releases):
        for number in range(num_canaries):
            canary = np.zeros(size, np.float32)
            canary[number] = 100.0
            await mesh.client.push("policy", {"w": canary}, base_version=newest, kind=ContributionKind.DELTA)
        pulled = await mesh.client.pull("policy")
        newest = pulled.version
        values.append(np.asarray(pulled["w"], np.float64).copy())
        releases.append((values[-1] - values[-2]) * num_canaries)
    without, with_canary = np.hsplit(np.array(releases), 2)[::-1]
    return without.ravel(), with_canary.ravel()


async def test_what_two_worlds_tell_is_within_the_claim(mesh) -> None:
    found = two_worlds_epsilon(*await scores_of_worlds(mesh, 250, 6), DELTA, confidence=SURE)

    claimed = (await mesh.client.get_privacy_status("policy")).epsilon_spent
    assert claimed == pytest.approx(gaussian_epsilon(1.0, 1, DELTA), rel=1e-6)
    assert found.epsilon_bound <= claimed


async def test_two_worlds_catch_a_build_with_a_quarter_of_the_noise(mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    # 1,500 scores a world tell a quarter for certain; half the noise takes the 20,000 of the long test.
    scaled_noise(monkeypatch, 0.25)

    found = two_worlds_epsilon(*await scores_of_worlds(mesh, 250, 6), DELTA, confidence=SURE)

    assert found.epsilon_bound > (await mesh.client.get_privacy_status("policy")).epsilon_spent


async def release(client: ParamsClient, newest, is_there: bool) -> tuple[object, float]:
    """Make one release of one number; return its version and its value."""
    canary = {"w": np.full(1, 100.0 if is_there else 0.0, np.float32)}
    await client.push("policy", canary, base_version=newest, kind=ContributionKind.DELTA)
    pulled = await client.pull("policy")
    return pulled.version, float(pulled["w"][0])


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("factor", [1.0, 0.5])
async def test_two_times_twenty_thousand_releases_tell_the_claim_from_half_its_noise(
    mesh, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    scaled_noise(monkeypatch, factor)
    newest, _ = await mesh.client.register_model("policy", {"w": np.zeros(1, np.float32)}, episodes(Asynchronous()))
    worlds: tuple[list[float], list[float]] = ([], [])
    value = 0.0
    for number in range(40_000):
        is_there = bool(number % 2)
        newest, after = await release(mesh.client, newest, is_there)
        worlds[is_there].append(after - value)
        value = after

    found = two_worlds_epsilon(np.array(worlds[0]), np.array(worlds[1]), DELTA, confidence=SURE)

    claimed = (await mesh.client.get_privacy_status("policy")).epsilon_spent
    assert (found.epsilon_bound > claimed) == (factor < 1.0)
