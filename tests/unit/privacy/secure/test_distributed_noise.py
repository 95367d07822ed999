"""Noise of a sum: what was claimed with the fewest survivors, more with all of them."""

import numpy as np
import pytest
from scipy import stats

_SIZE = 20_000


def _skellam(seed: int):
    rng = np.random.default_rng(seed)

    def add(variance: float, total: np.ndarray) -> None:
        total += rng.poisson(variance / 2, len(total)) - rng.poisson(variance / 2, len(total))

    return add


def _noise_of(rounds, survivors: int) -> tuple[np.ndarray, float]:
    """The sum of zero vectors, and the variance that the claim needs, in squared steps."""
    one = rounds.open(
        6, 4, num_parameters=_SIZE, grid_step=2.0**-12, noise_multiplier=0.5, add_noise=_skellam(survivors)
    )
    members = one.parameters.members[:survivors]
    total = one.run({member: np.zeros(_SIZE, np.float32) for member in members}).total
    parameters = one.parameters
    sensitivity = 1.0 + 2.0**-12 * _SIZE**0.5 / 2
    assert parameters.sensitivity == sensitivity
    return total, (0.5 * sensitivity * 2**12) ** 2


@pytest.mark.parametrize("survivors", [4, 5, 6])
def test_the_variance_of_a_sum_is_the_claimed_one_times_survivors_over_the_fewest(rounds, survivors) -> None:
    # Of n values the variance's estimate is chi-square with n - 1 degrees; 1e-6 false alarms. It tells 6 % apart.
    total, claimed = _noise_of(rounds, survivors)

    ratio = total.var(ddof=1) / (claimed * survivors / 4)

    low, high = stats.chi2.ppf([5e-7, 1 - 5e-7], _SIZE - 1) / (_SIZE - 1)
    assert 0.94 < low < ratio < high < 1.06
    assert total.var(ddof=1) > 0.94 * claimed


def test_noise_is_drawn_once_for_a_vector_and_not_at_all_without_a_claim(rounds) -> None:
    calls: list[float] = []
    with_noise = rounds.open(3, 2, noise_multiplier=1.0, add_noise=lambda variance, total: calls.append(variance))
    without = rounds.open(3, 2, add_noise=lambda variance, total: calls.append(variance))
    vectors = {member: np.zeros(3) for member in with_noise.parameters.members}

    with_noise.run(vectors)
    without.run(vectors)

    assert calls == [with_noise.parameters.share_variance] * 3
