"""The noise of private models as it comes out of the real service: its size, its shape, its correlation.

Noise cannot be seeded, so every test states how often it fails with sound noise: less than once in a million runs.
"""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from heronry.client import BufferedAsynchronous, ConnectionOptions, ContributionKind, ModelSettings, ParamsClient
from heronry.params.core.private import noise_sources
from heronry.params.core.private.terms import ReleaseTerms
from heronry.types.privacy import (
    BandedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    Noise,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)

NUM = 100_000
CLIP = 0.7
MULTIPLIER = 1.3
INDEPENDENT = IndependentNoise(MULTIPLIER, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False)


def claim(noise: Noise) -> ModelSettings:
    privacy = PrivacySettings(
        unit=PrivacyUnit.CLIENT,
        relation=NeighbourRelation.ZERO_OUT_ONE,
        population=50,
        delta=1e-3,
        epsilon_limit=100.0,
        clip=FixedClip(CLIP),
        noise=noise,
    )
    return ModelSettings(consistency=BufferedAsynchronous(2), privacy=privacy)


def sensitivity() -> float:
    """What one client moves the sum by, rounding to the grid counted (`notes`: C + gamma sqrt(d) / 2)."""
    step = 2.0 ** math.floor(math.log2(MULTIPLIER * CLIP / 2**20))
    return CLIP + step * math.sqrt(NUM) / 2


async def noise_of_releases(mesh, noise: Noise, num_releases: int) -> np.ndarray:
    """Have clients send zeros; return what each release changed, [T, P], over the mean's standard deviation."""
    newest, _ = await mesh.client.register_model("policy", {"w": np.zeros(NUM, np.float32)}, claim(noise))
    zeros, versions = {"w": np.zeros(NUM, np.float32)}, [np.zeros(NUM)]
    for release in range(num_releases):
        for number in range(2):
            options = ConnectionOptions(client_id=f"client-{2 * release + number}")
            async with ParamsClient(mesh.node.addresses, options) as client:
                await client.push("policy", zeros, base_version=newest, kind=ContributionKind.DELTA)
        pulled = await mesh.client.pull("policy")
        newest = pulled.version
        versions.append(np.asarray(pulled["w"], np.float64).copy())
    return np.diff(versions, axis=0) / (MULTIPLIER * sensitivity() / 2)


def shape_p_value(draws: np.ndarray) -> float:
    return float(stats.kstest(draws.ravel(), "norm").pvalue)


async def test_noise_has_the_size_and_shape_that_is_claimed(mesh) -> None:
    draws = await noise_of_releases(mesh, INDEPENDENT, 2)

    # 1 % is 6.3 standard deviations of the estimate from 2 x 1e5 draws: 3 in 10^10.
    assert draws.std() == pytest.approx(1.0, abs=0.01)
    assert abs(draws.mean()) < 5.5 / math.sqrt(draws.size)
    assert shape_p_value(draws) > 1e-7


async def test_releases_and_neighbouring_places_are_not_correlated(mesh) -> None:
    first, second = await noise_of_releases(mesh, INDEPENDENT, 2)

    # 5.5 standard deviations each: 4 in 10^8. Noise comes in chunks of 65,536.
    bound = 5.5 / math.sqrt(NUM - 65_536)
    assert abs(np.mean(first * second)) < 5.5 / math.sqrt(NUM)
    for lag in (1, 2, 65_536):
        assert abs(np.mean(first[lag:] * first[:-lag])) < bound


async def test_the_same_tests_find_noise_that_is_three_in_a_hundred_too_small(
    mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = noise_sources.add_rounded_normals
    monkeypatch.setattr(noise_sources, "add_rounded_normals", lambda k, i, sigma, total: add(k, i, 0.97 * sigma, total))

    draws = await noise_of_releases(mesh, INDEPENDENT, 2)

    # 19 standard deviations beyond the bound.
    assert draws.std() != pytest.approx(1.0, abs=0.01)
    assert draws.std() == pytest.approx(0.97, abs=0.01)


async def test_correlated_noise_has_the_covariance_of_its_factorisation(mesh) -> None:
    horizon, participations, separation, band = 6, 2, 3, 4
    noise = CorrelatedNoise(MULTIPLIER, horizon, participations, separation, BandedFactorisation(band))
    draws = await noise_of_releases(mesh, noise, horizon)

    coefficients = np.zeros(horizon)
    coefficients[:band] = np.cumprod([1.0, *((2 * k - 1) / (2 * k) for k in range(1, band))])
    strategy = sum(np.diag(np.full(horizon - k, coefficients[k]), -k) for k in range(horizon))
    # A client that contributes as often and as early as it may.
    moved = np.linalg.norm(strategy[:, [0, separation]].sum(axis=1))
    inverse = np.linalg.inv(strategy)
    expected = inverse @ inverse.T * moved**2

    # Over the deviations of the two releases; 3 % is at least 6.7 standard deviations: 1 in 10^9 for all entries.
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs((draws @ draws.T / NUM - expected) / scale).max() < 0.03
    # The prefix sums are what the noise is correlated for.
    last = draws.sum(axis=0).std()
    assert last == pytest.approx(moved * np.linalg.norm(inverse.sum(axis=0)), rel=0.03)


def test_terms_in_these_tests_are_those_of_the_service() -> None:
    terms = ReleaseTerms.of(CLIP, MULTIPLIER, NUM, 2.0, 1.0)

    assert terms.sensitivity == pytest.approx(sensitivity(), rel=1e-12)


async def figures(mesh) -> dict[str, float]:
    """Return the figures of `policy` as Prometheus reads them."""
    samples = [sample for metric in mesh.service.collector().collect() for sample in metric.samples]
    return {s.name.removeprefix("heronry_params_"): s.value for s in samples if s.labels == {"model": "policy"}}


async def test_checks_of_the_noise_and_what_is_spent_are_told_to_prometheus(mesh) -> None:
    await noise_of_releases(mesh, INDEPENDENT, 2)
    status = await mesh.client.get_privacy_status("policy")

    told = await figures(mesh)

    # Sound noise raises two alarms in 10^12.
    assert (told["noise_checks_total"], told["noise_alarms_total"], told["privacy_releases_total"]) == (2, 0, 2)
    assert (told["privacy_epsilon"], told["privacy_epsilon_limit"]) == (status.epsilon_spent, 100.0)
    assert told["privacy_void"] == 0


async def test_noise_that_fails_raises_the_alarm_and_a_test_mode_is_told(
    tmp_path: Path, served, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = await served(insecure_deterministic_noise=3)
    monkeypatch.setattr(noise_sources, "add_rounded_normals", lambda *_: None)

    await noise_of_releases(mesh, INDEPENDENT, 2)

    told = await figures(mesh)
    assert (told["noise_checks_total"], told["noise_alarms_total"]) == (2, 2)
    assert told["privacy_void"] == 1


async def test_what_is_spent_is_asked_for_once_a_release(mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    from heronry.params.core.private.guard import Guard

    asked, spent = [], Guard.spent
    monkeypatch.setattr(Guard, "spent", lambda guard: asked.append(guard) or spent(guard))
    await noise_of_releases(mesh, INDEPENDENT, 1)
    collector = mesh.service.collector()

    for _ in range(3):
        list(collector.collect())

    assert len(asked) == 1
