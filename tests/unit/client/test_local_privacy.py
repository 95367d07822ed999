"""Noise at the sender: the bound holds, the noise is as large as was claimed, and nothing is free."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.client.local_privacy import LocalPrivacy, noised
from heronry.privacy.noise import NoiseKey, add_rounded_normals
from heronry.types.errors import BudgetExhaustedError, InvalidArgumentError, InvalidContributionError
from heronry.types.privacy import NeighbourRelation

PRESENCE = NeighbourRelation.ADD_OR_REMOVE_ONE
KEY = NoiseKey.deterministic(7)
HUGE_AND_TINY = st.floats(-(2.0**100), 2.0**100, width=32)


def mechanism(**settings: object) -> LocalPrivacy:
    given = {"relation": PRESENCE, "delta": 1e-5, "epsilon_limit": 10.0, "noise_multiplier": 1.0, **settings}
    return LocalPrivacy(given.pop("clipping_norm", 1.0), **given)


def signal_of(update: np.ndarray, clipping_norm: float) -> tuple[np.ndarray, float]:
    """Return what is left of an update without its noise, and the noise's standard deviation by its formula."""
    step = 2.0 ** math.floor(math.log2(clipping_norm / 2**20))
    deviation = clipping_norm + step * math.sqrt(update.size) / 2
    noise = np.zeros(update.size, np.int64)
    add_rounded_normals(KEY, 0, deviation / step, noise)
    norm = float(np.linalg.norm(update.astype(np.longdouble)))
    return noised(update, norm, clipping_norm, 1.0, KEY) - noise * step, deviation


@given(hnp.arrays(np.float32, st.integers(1, 40), elements=HUGE_AND_TINY), st.sampled_from([0.1, 1.0]))
def test_no_update_moves_the_values_further_than_the_sensitivity(update: np.ndarray, clipping_norm: float) -> None:
    signal, sensitivity = signal_of(update, clipping_norm)

    assert np.linalg.norm(signal) <= sensitivity * (1 + 1e-9)


def test_a_small_update_keeps_its_direction_and_length() -> None:
    update = np.array([0.3, -0.4, 0.0])

    signal, _ = signal_of(update, 1.0)

    np.testing.assert_allclose(signal, update, atol=2.0**-20)


def test_a_large_update_is_scaled_to_the_bound() -> None:
    signal, _ = signal_of(np.array([3e20, 4e20]), 1.0)

    np.testing.assert_allclose(signal, [0.6, 0.8], atol=2.0**-19)


def test_the_noise_is_as_large_as_claimed() -> None:
    # The standard deviation of 1e5 normals is within 1 % of its own but for one draw in 130,000 (4.5 s.d.).
    sent = noised(np.zeros(100_000), 0.0, 2.0, 3.0, KEY)

    assert sent.std() == pytest.approx(6.0, rel=0.01)


def test_two_pushes_of_the_same_have_noise_of_their_own() -> None:
    privacy = mechanism()

    first, second = privacy.protect(np.zeros(1000)), privacy.protect(np.zeros(1000))

    # Of 1,000 pairs one correlates by more than 0.2 once in 10^9.
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.2


def test_pushes_add_up_by_their_squares() -> None:
    # dp-accounting 0.6.0: get_epsilon_gaussian(5 / sqrt(4), 1e-5) = 1.6236...; four at 10 spend what one at 5 does.
    four, one = mechanism(noise_multiplier=10.0), mechanism(noise_multiplier=5.0)
    for _ in range(4):
        four.protect(np.zeros(3))
    one.protect(np.zeros(3))

    assert four.epsilon_spent == pytest.approx(one.epsilon_spent, abs=1e-9)


def test_one_push_at_noise_one_spends_the_published_value() -> None:
    # Analytic Gaussian, z = 1, delta 1e-5: 4.377178 (dp-accounting 0.6.0, `get_epsilon_gaussian`).
    privacy = mechanism()

    privacy.protect(np.zeros(3))

    assert privacy.epsilon_spent == pytest.approx(4.3771781, abs=1e-6)


def test_an_epsilon_a_push_gives_the_published_noise() -> None:
    # `get_sigma_gaussian(1.0, 1e-5)` = 3.7306316; the classic formula would give 4.845.
    presence = mechanism(noise_multiplier=None, epsilon_per_push=1.0)
    replacing = mechanism(noise_multiplier=None, epsilon_per_push=1.0, relation=NeighbourRelation.REPLACE_ONE)

    assert presence.noise_multiplier == pytest.approx(3.7306316, abs=1e-6)
    assert replacing.noise_multiplier == pytest.approx(2 * 3.7306316, abs=2e-6)


def test_hiding_which_update_costs_twice_the_noise() -> None:
    replacing, presence = mechanism(relation=NeighbourRelation.REPLACE_ONE), mechanism(noise_multiplier=0.5)
    replacing._budget.limit = presence._budget.limit = 100.0

    replacing.protect(np.zeros(3))
    presence.protect(np.zeros(3))

    assert replacing.epsilon_spent == pytest.approx(presence.epsilon_spent)


def test_what_would_pass_the_limit_is_refused_with_the_figures_and_not_charged() -> None:
    privacy = mechanism(epsilon_limit=5.0)
    privacy.protect(np.zeros(3))

    with pytest.raises(BudgetExhaustedError) as caught:
        privacy.protect(np.zeros(3))

    assert float(caught.value.details["spent"]) == pytest.approx(4.3771781, abs=1e-6)
    assert float(caught.value.details["would_be"]) > 5.0
    assert float(caught.value.details["limit"]) == 5.0
    assert privacy.num_pushes == 1


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused_and_not_charged(odd: float) -> None:
    privacy = mechanism()

    with pytest.raises(InvalidContributionError, match="NaN or infinity"):
        privacy.protect(np.array([1.0, odd]))

    assert privacy.num_pushes == 0


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"clipping_norm": 0.0}, "clipping_norm"),
        ({"clipping_norm": math.inf}, "clipping_norm"),
        ({"noise_multiplier": 0.0}, "noise_multiplier"),
        ({"noise_multiplier": None}, "noise_multiplier"),
        ({"epsilon_per_push": 1.0}, "noise_multiplier"),
        ({"delta": 1.0}, "delta"),
        ({"epsilon_limit": -1.0}, "epsilon_limit"),
        ({"relation": "replace_one"}, "relation"),
        ({"path": Path("/no/such/folder/spent.json")}, "path"),
    ],
)
def test_a_setting_outside_its_range_is_named(settings: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        mechanism(**settings)

    assert caught.value.details["field"] == field
