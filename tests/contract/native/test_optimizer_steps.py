"""One suite over both twins of the optimiser steps; the references are float64 and follow the papers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.native import adagrad_step, adam_step, sgd_step
from heronry.native.arrays import Vector
from heronry.native.backend import Loops

TYPES = (np.float32, np.float64)
P = 3000


def normal(seed: int, dtype: type, length: int = P) -> Vector:
    return np.random.default_rng(seed).standard_normal(length).astype(dtype)


def assert_close(got: Vector, expected: np.ndarray) -> None:
    """Within some roundings of the vector's own type, of numbers about 1."""
    tolerance = 16 * np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("nesterov", [False, True])
def test_three_steps_of_sgd_follow_the_recursion(loops: Loops, dtype: type, nesterov: bool) -> None:
    values, velocity = normal(0, dtype), np.zeros(P, dtype)
    w, v = values.astype(np.float64), np.zeros(P)

    for step in range(1, 4):
        difference = normal(step, dtype)
        v = 0.9 * v + difference
        w = w + 0.5 * (difference + 0.9 * v if nesterov else v)
        largest = sgd_step(values, difference, velocity, 0.5, 0.9, nesterov, values, velocity, loops=loops)

        assert_close(values, w)
        assert_close(velocity, v)
        assert largest == np.abs(values).max()


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("is_yogi", [False, True])
def test_three_steps_of_adam_and_yogi_follow_their_algorithms(loops: Loops, dtype: type, is_yogi: bool) -> None:
    values, m1, m2 = normal(0, dtype), np.zeros(P, dtype), np.zeros(P, dtype)
    w, m, v = values.astype(np.float64), np.zeros(P), np.zeros(P)

    for step in range(1, 4):
        d = normal(step, dtype)
        square = d.astype(np.float64) ** 2
        m = 0.9 * m + 0.1 * d
        v = v - 0.01 * np.sign(v - square) * square if is_yogi else 0.99 * v + 0.01 * square
        w = w + 0.1 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.99**step)) + 1e-3)
        largest = adam_step(values, d, m1, m2, 0.1, 0.9, 0.99, 1e-3, step, is_yogi, values, m1, m2, loops=loops)

        assert_close(values, w)
        assert_close(m1, m)
        assert_close(m2, v)
        assert largest == np.abs(values).max()


@pytest.mark.parametrize("dtype", TYPES)
def test_three_steps_of_adagrad_follow_the_algorithm(loops: Loops, dtype: type) -> None:
    values, sums = normal(0, dtype), np.full(P, 0.1, dtype)
    w, s = values.astype(np.float64), sums.astype(np.float64)

    for step in range(1, 4):
        d = normal(step, dtype)
        s = s + d.astype(np.float64) ** 2
        w = w + 0.1 * d / (np.sqrt(s) + 1e-10)
        adagrad_step(values, d, sums, 0.1, 1e-10, values, sums, loops=loops)

        assert_close(values, w)
        assert_close(sums, s)


def test_the_first_step_of_adam_has_the_size_of_its_rate(loops: Loops) -> None:
    difference = np.array([1e-3, -5.0, 1e4], np.float64)
    zeros, out = np.zeros(3), np.empty(3)

    adam_step(
        zeros, difference, zeros, zeros, 0.01, 0.9, 0.999, 1e-12, 1, False, out, zeros.copy(), zeros.copy(), loops=loops
    )

    np.testing.assert_allclose(out, [0.01, -0.01, 0.01], rtol=1e-6)


def test_inputs_stay_as_they_are_when_the_outputs_are_others(loops: Loops) -> None:
    newest, difference, velocity = (normal(seed, np.float32) for seed in range(3))
    before = [newest.copy(), difference.copy(), velocity.copy()]

    sgd_step(newest, difference, velocity, 1.0, 0.9, True, np.empty_like(newest), np.empty_like(newest), loops=loops)

    for array, copy in zip((newest, difference, velocity), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_value_that_is_not_finite_shows_in_the_largest(loops: Loops, wrong: float) -> None:
    newest, state = np.zeros(P, np.float32), np.ones(P, np.float32)
    difference = np.zeros(P, np.float32)
    difference[2500] = wrong
    out, rest = np.empty_like(newest), np.empty_like(newest)

    assert not math.isfinite(sgd_step(newest, difference, state, 1.0, 0.9, False, out, rest, loops=loops))
    assert not math.isfinite(adagrad_step(newest, difference, state, 1.0, 1e-8, out, rest, loops=loops))


@given(seed=st.integers(0, 2**32 - 1), length=st.sampled_from((0, 1, 17, 2048, 2051)), dtype=st.sampled_from(TYPES))
def test_both_twins_give_the_same_bits(twins: list[Loops], seed: int, length: int, dtype: type) -> None:
    w, d, m, v = (normal(seed + i, dtype, length) for i in range(4))
    v = np.abs(v)
    results = []
    for loops in twins:
        outs = [np.empty_like(w) for _ in range(9)]
        largest = [
            sgd_step(w, d, m, 0.3, 0.9, True, outs[0], outs[1], loops=loops),
            adam_step(w, d, m, v, 0.3, 0.9, 0.99, 1e-8, 7, False, *outs[2:5], loops=loops),
            adam_step(w, d, m, v, 0.3, 0.9, 0.99, 1e-3, 7, True, *outs[5:8], loops=loops),
            adagrad_step(w, d, v, 0.3, 1e-10, outs[8], outs[1], loops=loops),
        ]
        results.append(([out.tobytes() for out in outs], largest))

    assert results[0] == results[1]


def test_a_step_that_is_not_counted_and_unlike_vectors_are_refused(loops: Loops) -> None:
    vector, short, double = np.ones(4, np.float32), np.ones(3, np.float32), np.ones(4)

    with pytest.raises(ValueError, match="num_steps"):
        adam_step(vector, vector, vector, vector, 1, 0, 0, 1, 0, False, vector, vector, vector, loops=loops)
    with pytest.raises(ValueError):
        sgd_step(vector, short, vector, 1, 0, False, vector, vector, loops=loops)
    with pytest.raises(TypeError):
        sgd_step(vector, double, vector, 1, 0, False, vector, vector, loops=loops)
    with pytest.raises(ValueError):
        adagrad_step(vector, vector, vector, 1, 1, vector, short, loops=loops)
