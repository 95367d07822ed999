"""The bound of the audit in one run, against published code's values and a plain reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from heronry.privacy.audit import one_run_epsilon, one_run_p_value
from heronry.types.errors import InvalidArgumentError


@pytest.mark.parametrize(("figures", "bound"), [((1000, 100, 100), 3.4654), ((200, 50, 50), 2.779)])
def test_bounds_are_those_of_the_paper_code(figures: tuple[int, int, int], bound: float) -> None:
    assert one_run_epsilon(*figures, 1e-5) == pytest.approx(bound, abs=5e-4)


def reference(m: int, r: int, v: int, eps: float, delta: float) -> float:
    """The p-value as the paper's appendix D has it, term by term."""
    q = 1 / (1 + math.exp(-eps))
    beta, alpha, total = stats.binom.sf(v - 1, r, q), 0.0, 0.0
    for i in range(1, v + 1):
        total += stats.binom.pmf(v - i, r, q)
        alpha = max(alpha, total / i)
    return min(1.0, beta + alpha * delta * 2 * m)


@pytest.mark.parametrize("figures", [(100, 20, 20), (100, 20, 13), (1000, 100, 80), (50, 50, 0)])
@pytest.mark.parametrize("epsilon", [0.0, 0.7, 3.0])
def test_the_p_value_is_that_of_the_definition(figures: tuple[int, int, int], epsilon: float) -> None:
    assert one_run_p_value(*figures, epsilon, 1e-4) == pytest.approx(reference(*figures, epsilon, 1e-4), rel=1e-12)


def test_without_delta_the_bound_of_all_right_is_the_closed_form() -> None:
    # (e^eps / (1 + e^eps)) ^ r = 0.05
    chance = 0.05 ** (1 / 40)

    assert one_run_epsilon(40, 40, 40, 0.0) == pytest.approx(math.log(chance / (1 - chance)), rel=1e-9)


@given(st.integers(1, 60), st.data())
def test_more_right_guesses_never_refute_less(num_guesses: int, data: st.DataObject) -> None:
    num_right = data.draw(st.integers(1, num_guesses))

    fewer, more = (one_run_epsilon(60, num_guesses, right, 1e-5) for right in (num_right - 1, num_right))

    assert more >= fewer


def test_guesses_no_better_than_coins_refute_nothing() -> None:
    assert one_run_epsilon(1000, 100, 50, 1e-5) == 0.0
    assert one_run_epsilon(1000, 100, 0, 1e-5) == 0.0


def test_a_private_mechanism_is_refuted_no_more_often_than_stated() -> None:
    # Randomised response of epsilon 1 is right of each coin by itself: the worst case of the theorem without delta.
    chance, rng = 1 / (1 + math.exp(-1.0)), np.random.default_rng(5)
    refuted = {right: one_run_epsilon(200, 200, right, 0.0) > 1.0 for right in range(201)}

    rate = np.mean([refuted[right] for right in rng.binomial(200, chance, 20_000).tolist()])

    # 5 % with 4.5 standard deviations: the seed is fixed, and one in 300,000 would fail.
    assert rate <= 0.05 + 4.5 * math.sqrt(0.05 * 0.95 / 20_000)


@pytest.mark.parametrize(
    ("figures", "field"),
    [((0, 1, 1), "num_canaries"), ((10, 11, 1), "num_guesses"), ((10, 5, 6), "num_right"), ((10, 5, -1), "num_right")],
)
def test_figures_that_cannot_be_are_refused_by_name(figures: tuple[int, int, int], field: str) -> None:
    with pytest.raises(InvalidArgumentError, match=field):
        one_run_epsilon(*figures, 1e-5)
