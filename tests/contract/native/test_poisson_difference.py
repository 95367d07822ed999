"""One suite over both twins of the differences of Poisson numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from heronry.native import add_poisson_difference
from heronry.native.arrays import Indices, Keys
from heronry.native.backend import Loops

seeds = st.integers(0, 2**32 - 1)
means = st.one_of(st.floats(0.01, 50), st.floats(4, 39).map(lambda power: 2.0**power))


def random_words(seed: int, num_words: int) -> Keys:
    return np.random.default_rng(seed).integers(0, 2**64, num_words, dtype=np.uint64)


def draws(mean: float, count: int, seed: int, loops: Loops) -> Indices:
    total = np.zeros(count, np.int64)
    assert add_poisson_difference(random_words(seed, 40 * count + 1000), mean, total, loops=loops)[0] == count
    return total


@pytest.mark.parametrize("mean", [0.3, 3.0, 9.9, 10.0, 12.5, 40.0])
def test_draws_follow_skellams_probabilities(loops: Loops, mean: float) -> None:
    """False alarms: 1 in 10^6 for each mean, and the seed is fixed."""
    values = draws(mean, 2000, 5, loops)

    # Outer integers share a cell each, so that every cell expects at least five.
    edge = max(1, int(2.2 * math.sqrt(2 * mean)))
    inner = stats.skellam.pmf(np.arange(-edge + 1, edge), mean, mean)
    outer = (1 - inner.sum()) / 2
    expected = np.concatenate(([outer], inner, [outer])) * len(values)
    seen = np.bincount(np.clip(values, -edge, edge) + edge, minlength=2 * edge + 1)
    assert stats.chisquare(seen, expected, sum_check=False).pvalue > 1e-6


@pytest.mark.parametrize("mean", [1e4, 1e8, 2.0**39])
def test_wide_ones_have_the_shape_of_a_gaussian(loops: Loops, mean: float) -> None:
    """False alarms: 1 in 10^6 for each mean, and the seed is fixed."""
    values = draws(mean, 2000, 6, loops)

    assert stats.kstest(values, "norm", args=(0, math.sqrt(2 * mean))).pvalue > 1e-6


@pytest.mark.parametrize("mean", [*np.geomspace(10, 4000, 25).tolist(), 1e6])
def test_the_hat_of_the_rejection_lies_above_the_probabilities(mean: float) -> None:
    """The acceptance at u is `p(k) (a / u_s^2 + b) / alpha'`; what the two quick rules decide must agree with it."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    inverse_alpha, v_r = 1.01 * (1.1239 + 1.1328 / (b - 3.4)), (0.9177 - 3.6224 / (b - 2)) / 1.01
    u = np.linspace(-0.5, 0.5, 20_003)[1:-1]
    u_s = 0.5 - np.abs(u)

    k = np.floor((2 * a / u_s + b) * u + mean + 0.43)
    acceptance = stats.poisson.pmf(k, mean) * (a / u_s**2 + b) / inverse_alpha

    assert acceptance.max() <= 1
    assert (acceptance[u_s >= 0.07] >= v_r).all()
    assert (acceptance[u_s < 0.013] <= u_s[u_s < 0.013]).all()


@settings(max_examples=20)
@given(seed=seeds, mean=means, cut=st.integers(0, 300))
def test_words_that_run_dry_and_go_on_give_what_one_long_stream_gives(
    loops: Loops, seed: int, mean: float, cut: int
) -> None:
    words, whole, parts = random_words(seed, 4000), np.zeros(20, np.int64), np.zeros(20, np.int64)
    add_poisson_difference(words, mean, whole, loops=loops)

    num_values, num_words = add_poisson_difference(words[:cut], mean, parts, loops=loops)
    assert not parts[num_values:].any()
    num_rest, _ = add_poisson_difference(words[num_words:], mean, parts[num_values:], loops=loops)

    assert num_values + num_rest == 20
    np.testing.assert_array_equal(parts, whole)


@settings(max_examples=50)
@given(seed=seeds, mean=means)
def test_both_twins_give_the_same_integers_from_the_same_words(twins: list[Loops], seed: int, mean: float) -> None:
    totals = [np.full(40, 7, np.int64) for _ in twins]

    taken = [
        add_poisson_difference(random_words(seed, 300), mean, total, loops=loops)
        for loops, total in zip(twins, totals, strict=True)
    ]

    assert taken[0] == taken[1]
    np.testing.assert_array_equal(totals[0], totals[1])


@pytest.mark.parametrize("mean", [0.5, 10.0, 2.0**39])
@pytest.mark.parametrize("word", [0, 2**64 - 1, 2**63])
def test_words_that_are_all_alike_end(twins: list[Loops], word: int, mean: float) -> None:
    totals = [np.zeros(20, np.int64) for _ in twins]

    taken = [
        add_poisson_difference(np.full(1000, word, np.uint64), mean, total, loops=loops)
        for loops, total in zip(twins, totals, strict=True)
    ]

    assert taken[0] == taken[1]
    np.testing.assert_array_equal(totals[0], totals[1])


def test_wrong_types_and_means_are_refused(loops: Loops) -> None:
    words, total = random_words(0, 100), np.zeros(4, np.int64)

    for mean in (0.0, -1.0, 2.0**40, math.nan):
        with pytest.raises(ValueError):
            add_poisson_difference(words, mean, total, loops=loops)
    with pytest.raises(TypeError):
        add_poisson_difference(words, 3.0, total.astype(np.int32), loops=loops)  # type: ignore[arg-type]  # refused
    assert not total.any()
