"""A client's vector never gets longer than the sensitivity, whatever it holds."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from heronry.privacy.secure.grid_vector import clip_factor, grid_vector

_SIZE = 7
_ADVERSARIAL = st.one_of(
    hnp.arrays(np.float32, _SIZE, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    hnp.arrays(np.float64, _SIZE, elements=st.floats(-1e150, 1e150)),
    st.sampled_from([np.full(_SIZE, 5e-324), np.eye(_SIZE)[3] * 1e38, np.zeros(_SIZE), np.full(_SIZE, 1e-160)]),
)


def _exact_squares(values: np.ndarray) -> Fraction:
    return sum((Fraction(float(value)) ** 2 for value in values), Fraction(0))


@given(values=_ADVERSARIAL, weight=st.floats(0, 1), norm=st.floats(1e-3, 10))
@settings(max_examples=100)
def test_a_vector_on_the_grid_is_at_most_as_long_as_the_sensitivity(rounds, values, weight, norm) -> None:
    parameters = rounds.parameters(3, 2, num_parameters=_SIZE, clipping_norm=norm)

    steps = grid_vector(values, weight, parameters)

    length = math.sqrt(_exact_squares(steps)) * parameters.grid_step
    assert length <= parameters.sensitivity * (1 + 1e-12)


@given(values=_ADVERSARIAL, norm=st.floats(1e-3, 10))
@settings(max_examples=100)
def test_the_clipped_vector_is_never_longer_than_the_norm(values, norm) -> None:
    factor = Fraction(clip_factor(values, norm))

    assert _exact_squares(values) * factor**2 <= Fraction(norm) ** 2


def test_a_short_vector_is_not_scaled() -> None:
    assert clip_factor(np.array([3.0, 4.0]), 5.000001) == 1.0
    assert 0.2 * (1 - 1e-14) <= clip_factor(np.array([3.0, 4.0]), 1.0) < 0.2


def test_the_input_is_left_alone(rounds) -> None:
    values = np.array([3.0, 4.0, 5.0], np.float32)

    grid_vector(values, 1.0, rounds.parameters(3, 2))

    assert values.tolist() == [3.0, 4.0, 5.0]
