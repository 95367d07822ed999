"""One suite over both twins of the exact discrete Gaussian."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from heronry.native import add_discrete_gaussian
from heronry.native.arrays import Indices, Keys
from heronry.native.backend import Loops

seeds = st.integers(0, 2**32 - 1)
sigmas = st.one_of(st.integers(1, 100), st.sampled_from((2**20, 2**24 - 1, 2**24)))


def random_words(seed: int, num_words: int) -> Keys:
    return np.random.default_rng(seed).integers(0, 2**64, num_words, dtype=np.uint64)


def draws(sigma: int, count: int, seed: int, loops: Loops) -> Indices:
    total = np.zeros(count, np.int64)
    assert add_discrete_gaussian(random_words(seed, 40 * count + 1000), sigma, total, loops=loops)[0] == count
    return total


@pytest.mark.parametrize("sigma", [1, 2, 5])
def test_draws_follow_the_exact_probabilities(loops: Loops, sigma: int) -> None:
    """False alarms: 1 in 10^6 for each standard deviation, and the seed is fixed."""
    values = draws(sigma, 5000, 3, loops)

    # Outer integers share a cell each, so that every cell expects at least five.
    edge = int(2.5 * sigma)
    weights = [math.exp(-(k**2) / (2 * sigma**2)) for k in range(-20 * sigma, 20 * sigma + 1)]
    probabilities = np.array(weights) / math.fsum(weights)
    cells = np.clip(np.arange(-20 * sigma, 20 * sigma + 1), -edge, edge) + edge
    expected = np.bincount(cells, probabilities) * len(values)
    seen = np.bincount(np.clip(values, -edge, edge) + edge, minlength=2 * edge + 1)
    assert stats.chisquare(seen, expected, sum_check=False).pvalue > 1e-6


def test_a_wide_one_has_the_shape_of_a_gaussian(loops: Loops) -> None:
    """False alarms: 1 in 10^6, and the seed is fixed."""
    values = draws(2**24, 3000, 4, loops)

    assert stats.kstest(values, "norm", args=(0, 2**24)).pvalue > 1e-6


@settings(max_examples=20)
@given(seed=seeds, sigma=sigmas, cut=st.integers(0, 600))
def test_words_that_run_dry_and_go_on_give_what_one_long_stream_gives(
    loops: Loops, seed: int, sigma: int, cut: int
) -> None:
    words, whole, parts = random_words(seed, 4000), np.zeros(30, np.int64), np.zeros(30, np.int64)
    add_discrete_gaussian(words, sigma, whole, loops=loops)

    num_values, num_words = add_discrete_gaussian(words[:cut], sigma, parts, loops=loops)
    assert not parts[num_values:].any()
    num_rest, _ = add_discrete_gaussian(words[num_words:], sigma, parts[num_values:], loops=loops)

    assert num_values + num_rest == 30
    np.testing.assert_array_equal(parts, whole)


@settings(max_examples=30)
@given(seed=seeds, sigma=sigmas)
def test_both_twins_give_the_same_integers_from_the_same_words(twins: list[Loops], seed: int, sigma: int) -> None:
    totals = [np.full(50, 7, np.int64) for _ in twins]

    taken = [
        add_discrete_gaussian(random_words(seed, 600), sigma, total, loops=loops)
        for loops, total in zip(twins, totals, strict=True)
    ]

    assert taken[0] == taken[1]
    np.testing.assert_array_equal(totals[0], totals[1])


@pytest.mark.parametrize("word", [0, 2**64 - 1, 2**63, 2**34 - 1])
def test_words_that_are_all_alike_end(twins: list[Loops], word: int) -> None:
    totals = [np.zeros(20, np.int64) for _ in twins]

    taken = [
        add_discrete_gaussian(np.full(9000, word, np.uint64), 2**24, total, loops=loops)
        for loops, total in zip(twins, totals, strict=True)
    ]

    assert taken[0] == taken[1]
    np.testing.assert_array_equal(totals[0], totals[1])


def test_wrong_types_and_standard_deviations_are_refused(loops: Loops) -> None:
    words, total = random_words(0, 100), np.zeros(4, np.int64)

    for sigma in (0, 2**24 + 1):
        with pytest.raises(ValueError):
            add_discrete_gaussian(words, sigma, total, loops=loops)
    for wrong in (-1, 1.5):
        with pytest.raises(TypeError):
            add_discrete_gaussian(words, wrong, total, loops=loops)  # type: ignore[arg-type]  # refused
    with pytest.raises(TypeError):
        add_discrete_gaussian(words, 3, total.astype(np.int32), loops=loops)  # type: ignore[arg-type]  # refused
    assert not total.any()
