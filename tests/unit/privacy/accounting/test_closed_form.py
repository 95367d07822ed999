"""The closed form of Gaussians, without dp-accounting."""

import math

import dp_accounting
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.privacy.accounting import gaussian_epsilon, gaussian_noise_multiplier
from heronry.privacy.accounting.closed_form import log_delta_of
from heronry.types.errors import InvalidArgumentError

NOISE = st.floats(0.05, 100.0)
DELTA = st.sampled_from([1e-12, 1e-9, 1e-6, 1e-5, 1e-3, 0.1])


def test_the_known_values() -> None:
    assert gaussian_epsilon(1.0, 1, 1e-5) == pytest.approx(4.377178096, abs=1e-8)
    assert gaussian_epsilon(1.0, 100, 1e-5) == pytest.approx(91.817289625, abs=1e-8)
    assert gaussian_noise_multiplier(1.0, 1, 1e-5) == pytest.approx(3.7306316, abs=1e-7)


@given(NOISE, DELTA)
def test_epsilon_is_that_of_dp_accounting(noise: float, delta: float) -> None:
    expected = dp_accounting.get_epsilon_gaussian(noise, delta)

    assert gaussian_epsilon(noise, 1, delta) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.floats(0.01, 50.0), DELTA)
def test_noise_is_that_of_dp_accounting(epsilon: float, delta: float) -> None:
    expected = dp_accounting.get_sigma_gaussian(epsilon, delta)

    assert gaussian_noise_multiplier(epsilon, 1, delta) == pytest.approx(expected, rel=1e-9)


@given(st.floats(0.01, 50.0), st.integers(1, 10_000), DELTA)
def test_the_noise_for_an_epsilon_spends_no_more_than_it(epsilon: float, count: int, delta: float) -> None:
    noise = gaussian_noise_multiplier(epsilon, count, delta)

    assert gaussian_epsilon(noise, count, delta) == pytest.approx(epsilon, rel=1e-7)
    assert log_delta_of(noise / math.sqrt(count), epsilon) <= math.log(delta) + 1e-9


@given(NOISE, st.integers(1, 10_000), DELTA)
def test_many_releases_are_one_of_less_noise(noise: float, count: int, delta: float) -> None:
    assert gaussian_epsilon(noise, count, delta) == gaussian_epsilon(noise / math.sqrt(count), 1, delta)


def test_the_classic_formula_wastes_noise_and_is_unsound_above_one() -> None:
    def classic(epsilon: float) -> float:
        return math.sqrt(2 * math.log(1.25 / 1e-5)) / epsilon

    assert classic(1.0) / gaussian_noise_multiplier(1.0, 1, 1e-5) == pytest.approx(4.845 / 3.731, abs=1e-3)
    assert gaussian_epsilon(classic(20.0), 1, 1e-5) > 20.0


def test_so_much_noise_that_delta_alone_covers_it_spends_nothing() -> None:
    assert gaussian_epsilon(1e6, 1, 1e-3) == 0.0


@pytest.mark.parametrize("values", [(0.0, 1, 1e-5), (math.nan, 1, 1e-5), (1.0, 0, 1e-5), (1.0, 1, 0.0), (1.0, 1, 1.0)])
def test_values_outside_their_range_are_refused(values: tuple[float, int, float]) -> None:
    with pytest.raises(InvalidArgumentError):
        gaussian_epsilon(*values)
