"""The continuous test of noise."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from heronry.privacy.noise import NoiseKey, NoiseSelfTest, add_rounded_normals
from heronry.types.errors import InvalidArgumentError

KEY = NoiseKey.deterministic(2026)
SIGMA = 2.0**20


def noise(index: int, sigma: float = SIGMA, length: int = 70_000) -> npt.NDArray[np.int64]:
    total = np.zeros(length, np.int64)
    add_rounded_normals(KEY, index, sigma, total)
    return total


@pytest.mark.parametrize("length", [1, 7, 1000, 70_000, 140_001])
@pytest.mark.parametrize("sigma", [16.0, SIGMA])
def test_sound_noise_raises_no_alarm(length: int, sigma: float) -> None:
    """False alarms: 1 in 10^12 for each observation."""
    test = NoiseSelfTest()

    test.observe(noise(1, sigma, length), sigma)

    assert (test.num_observed, test.num_alarms) == (1, 0)
    assert abs(test.ratio - 1) < 6 / math.sqrt(2 * min(length, 65_536))


def test_p_values_of_sound_noise_are_not_small_too_often() -> None:
    """At a rate of 1 in 10 among 200 observations 20 alarms are expected; more than 45 come once in 10^6."""
    test = NoiseSelfTest(false_alarm_rate=0.1)

    for index in range(200):
        test.observe(noise(index, length=500), SIGMA)

    assert test.num_observed == 200
    assert 0 < test.num_alarms <= 45


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.97, 1.03, 2.0])
def test_a_spread_off_by_three_percent_is_found(factor: float) -> None:
    test = NoiseSelfTest()

    test.observe((noise(2) * factor).astype(np.int64), SIGMA)

    assert test.num_alarms == 1
    assert test.spread_p_value < 1e-12
    assert test.ratio == pytest.approx(factor, abs=0.01)


def test_another_shape_of_the_right_spread_is_found() -> None:
    rng = np.random.default_rng(3)
    uniform = rng.uniform(-math.sqrt(3), math.sqrt(3), 70_000)
    shifted = rng.standard_normal(70_000) * math.sqrt(1 - 0.05**2) + 0.05
    for values in (uniform, shifted):
        test = NoiseSelfTest()

        test.observe(np.rint(values * SIGMA).astype(np.int64), SIGMA)

        assert test.ks_p_value < 1e-12 < test.spread_p_value
        assert test.num_alarms == 1


def test_a_vector_without_noise_in_every_other_place_is_found() -> None:
    holed = noise(4, length=300_000)
    holed[::2] = 0
    test = NoiseSelfTest()

    test.observe(holed, SIGMA)
    test.observe(noise(5), SIGMA)

    assert (test.num_observed, test.num_alarms) == (2, 1)


def test_what_cannot_be_tested_is_refused() -> None:
    test = NoiseSelfTest()

    for sigma in (15.0, math.nan, math.inf):
        with pytest.raises(InvalidArgumentError):
            test.observe(noise(0), sigma)
    with pytest.raises(InvalidArgumentError):
        test.observe(np.zeros(0, np.int64), SIGMA)
    for rate in (0.0, 1.0, math.nan):
        with pytest.raises(InvalidArgumentError):
            NoiseSelfTest(false_alarm_rate=rate)
    assert test.num_observed == 0
