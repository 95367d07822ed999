"""What correlation saves at equal epsilon.

Values of the table: closed forms (independent noise: sqrt((T + 1) / 2) and sqrt(T)) and Fichtenberger, Henzinger and
Upadhyay 2023 for the square root, reproduced to the digits given.
"""

import math

import pytest

from heronry.privacy.factorisation import BandedToeplitz, TreeAggregation, fit_buffers, max_error, rms_error


@pytest.mark.parametrize("horizon, expected", [(100, 7.11), (1000, 22.4)])
def test_independent_noise_grows_with_the_square_root_of_the_horizon(horizon: int, expected: float) -> None:
    independent = BandedToeplitz(1)

    assert rms_error(independent, horizon, 1, 1) == pytest.approx(math.sqrt((horizon + 1) / 2))
    assert rms_error(independent, horizon, 1, 1) == pytest.approx(expected, rel=2e-3)
    assert max_error(independent, horizon, 1, 1) == pytest.approx(math.sqrt(horizon))


@pytest.mark.parametrize("horizon, rms, largest", [(100, 2.37, 2.53), (1000, 3.10, 3.27)])
def test_the_square_root_reaches_its_published_error(horizon: int, rms: float, largest: float) -> None:
    square_root = BandedToeplitz(horizon)

    assert rms_error(square_root, horizon, 1, 1) == pytest.approx(rms, abs=5e-3)
    assert max_error(square_root, horizon, 1, 1) == pytest.approx(largest, abs=5e-3)


@pytest.mark.parametrize(
    "horizon, band, expected", [(100, 8, 3.24), (100, 32, 2.43), (1000, 8, 9.43), (1000, 32, 5.48)]
)
def test_a_band_reaches_its_error(horizon: int, band: int, expected: float) -> None:
    assert rms_error(BandedToeplitz(band), horizon, 1, 1) == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("horizon, textbook", [(100, 7.5), (1000, 10.5)])
def test_the_tree_is_no_noisier_than_the_textbook_says(horizon: int, textbook: float) -> None:
    # The textbook's tree is complete: ceil(log2 T) + 1 levels, of which a prefix uses ceil(log2 T) at most.
    num_levels = math.ceil(math.log2(horizon))
    most_nodes = max(num_releases.bit_count() for num_releases in range(1, horizon + 1))

    largest = max_error(TreeAggregation(), horizon, 1, 1)

    assert math.sqrt(num_levels * (num_levels + 1)) == pytest.approx(textbook, abs=0.05)
    assert largest == pytest.approx(math.sqrt(most_nodes * math.floor(math.log2(horizon) + 1)))
    assert largest <= textbook


@pytest.mark.parametrize("num_buffers, goal", [(2, 3.3), (4, 3.06)])
def test_a_few_buffers_do_better_than_the_square_root_over_a_thousand_releases(num_buffers: int, goal: float) -> None:
    strategy = fit_buffers(num_buffers, 1000, 1, 1)

    assert rms_error(strategy, 1000, 1, 1) <= goal
    assert rms_error(strategy, 1000, 1, 1) < rms_error(BandedToeplitz(1000), 1000, 1, 1)
    assert strategy.num_buffers == num_buffers


# The least error of any non-negative, non-increasing Toeplitz matrix, by direct search over all of its coefficients.
@pytest.mark.parametrize(
    "horizon, num_participations, separation, best, within",
    [
        (100, 1, 1, 2.3193, 1.002),
        (1000, 1, 1, 3.0490, 1.002),
        (1000, 10, 100, 11.5727, 1.06),
        (1000, 5, 200, 7.3569, 1.05),
    ],
)
def test_buffers_come_close_to_the_best_toeplitz_matrix(
    horizon: int, num_participations: int, separation: int, best: float, within: float
) -> None:
    strategy = fit_buffers(4, horizon, num_participations, separation)

    error = rms_error(strategy, horizon, num_participations, separation)

    assert best * 0.9999 <= error <= best * within


def test_ten_participations_cost_less_with_correlation_than_without() -> None:
    pattern = (1000, 10, 100)

    assert rms_error(BandedToeplitz(1), *pattern) == pytest.approx(70.746, abs=5e-3)
    assert rms_error(BandedToeplitz(100), *pattern) == pytest.approx(12.103, abs=5e-3)
    assert rms_error(fit_buffers(2, *pattern), *pattern) < 12.25
