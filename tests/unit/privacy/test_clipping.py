"""Adaptive clipping comes to the quantile, from both sides, whatever arrives."""

import math

import dp_accounting
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.privacy.clipping import QuantileClip, vector_noise_multiplier
from heronry.types.privacy import QuantileClipping

NUM_CLIENTS = 100
NUM_ROUNDS = 60


def clip_from(norm: float, quantile: float = 0.5) -> QuantileClip:
    return QuantileClip.first(QuantileClipping(norm, quantile, learning_rate=0.2, count_noise=NUM_CLIENTS / 20))


def votes_of(clip: QuantileClip, norms: list[float]) -> float:
    return sum(clip.vote(norm) for norm in norms)


@pytest.mark.parametrize("initial_norm", [0.1, 100.0])
@pytest.mark.parametrize("quantile", [0.2, 0.5, 0.8])
def test_the_clip_comes_to_the_quantile_without_noise(initial_norm: float, quantile: float) -> None:
    norms = np.linspace(5, 15, NUM_CLIENTS).tolist()
    clip = clip_from(initial_norm, quantile)

    for _ in range(NUM_ROUNDS if quantile == 0.5 else 4 * NUM_ROUNDS):
        clip = clip.after(votes_of(clip, norms), NUM_CLIENTS)

    assert clip.norm == pytest.approx(5 + 10 * quantile, rel=0.1)


@pytest.mark.parametrize("initial_norm", [0.1, 100.0])
def test_the_clip_comes_to_the_median_under_noise(initial_norm: float) -> None:
    # Over 300 seeds the clip ends at 9.88 and 9.98 with a deviation of 0.25: 10 % is 3.5 deviations away at least, so
    # that a right clip fails for fewer than 1 seed in 2,000.
    rng = np.random.default_rng(11)
    clip = clip_from(initial_norm)

    for _ in range(NUM_ROUNDS):
        votes = votes_of(clip, rng.uniform(5, 15, NUM_CLIENTS).tolist())
        clip = clip.after(votes + clip.settings.count_noise * rng.standard_normal(), NUM_CLIENTS)

    assert clip.norm == pytest.approx(10.0, rel=0.1)


def test_a_contribution_at_the_clip_stays_whole() -> None:
    clip = clip_from(2.0)

    assert [clip.vote(norm) for norm in (0.0, 2.0, math.nextafter(2.0, 3.0))] == [0.5, 0.5, -0.5]


def test_a_clip_below_all_norms_grows_by_the_paper_s_factor() -> None:
    clip = clip_from(1.0)

    after = clip.after(-0.5 * NUM_CLIENTS, NUM_CLIENTS)

    assert after.norm == pytest.approx(math.exp(0.2 * 0.5))
    assert clip.norm == 1.0


def test_a_clip_above_all_norms_shrinks_by_the_paper_s_factor() -> None:
    assert clip_from(1.0).after(0.5 * NUM_CLIENTS, NUM_CLIENTS).norm == pytest.approx(math.exp(-0.2 * 0.5))


def test_a_round_without_arrivals_leaves_the_clip_where_noise_puts_it() -> None:
    clip = clip_from(1.0)

    assert clip.after(0.0, NUM_CLIENTS).norm == 1.0
    assert clip.after(5.0, NUM_CLIENTS).norm == pytest.approx(math.exp(-0.2 * 0.05))


def test_rounds_without_arrivals_do_not_run_away() -> None:
    # A walk of 60 steps of 0.2 * 5 / 100: a factor of e is 12.9 deviations away.
    rng = np.random.default_rng(5)
    clip = clip_from(1.0)

    for _ in range(NUM_ROUNDS):
        clip = clip.after(clip.settings.count_noise * rng.standard_normal(), NUM_CLIENTS)

    assert math.exp(-1) < clip.norm < math.e


def test_one_contribution_moves_the_votes_by_half_of_one() -> None:
    clip = clip_from(1.0)
    others = [0.5, 0.7, 3.0]

    with_small, with_large = votes_of(clip, [*others, 1e-300]), votes_of(clip, [*others, 1e300])

    assert abs(with_small - votes_of(clip, others)) == 0.5
    assert abs(with_large - votes_of(clip, others)) == 0.5


@given(
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5),
    st.floats(1e-3, 1e3),
)
def test_the_clip_is_always_positive_and_finite(initial_norm: float, votes: list[float], denominator: float) -> None:
    clip = clip_from(initial_norm)

    for noisy_votes in votes:
        clip = clip.after(noisy_votes, denominator)

    assert 0 < clip.norm < math.inf
    assert 2.0**-127 < clip.norm < 2.0**128


@pytest.mark.parametrize("noisy_votes, denominator", [(math.nan, 10), (math.inf, 10), (1.0, 0)])
def test_votes_that_are_no_numbers_are_refused(noisy_votes: float, denominator: float) -> None:
    with pytest.raises(ValueError, match="votes"):
        clip_from(1.0).after(noisy_votes, denominator)


def test_the_values_keep_the_published_share_of_the_budget() -> None:
    # Andrew et al. 2021, theorem 1, for z = 1 and count noise 5.
    assert vector_noise_multiplier(1.0, 5.0) == pytest.approx(1.00504, abs=5e-6)


@given(st.floats(0.1, 10), st.floats(1.01, 100))
def test_values_and_votes_together_cost_what_was_claimed(noise_multiplier: float, ratio: float) -> None:
    count_noise = noise_multiplier / 2 * ratio

    for_values = vector_noise_multiplier(noise_multiplier, count_noise)

    # Two Gaussians over the same unit are one of (z_1^-2 + z_2^-2)^-1/2; a vote moves the count by 1/2.
    assert (for_values**-2 + (2 * count_noise) ** -2) ** -0.5 == pytest.approx(noise_multiplier)


def test_the_accountant_agrees_with_the_split() -> None:
    both = dp_accounting.rdp.RdpAccountant()
    both.compose(dp_accounting.GaussianDpEvent(vector_noise_multiplier(1.0, 5.0)))
    both.compose(dp_accounting.GaussianDpEvent(2 * 5.0))
    claimed = dp_accounting.rdp.RdpAccountant()

    claimed.compose(dp_accounting.GaussianDpEvent(1.0))

    assert both.get_epsilon(1e-5) == pytest.approx(claimed.get_epsilon(1e-5), rel=1e-9)


@pytest.mark.parametrize("count_noise", [0.5, 0.1])
def test_a_count_that_takes_the_whole_budget_is_refused(count_noise: float) -> None:
    with pytest.raises(ValueError, match="count noise"):
        vector_noise_multiplier(1.0, count_noise)
