"""Server optimisers against ten-line references in float64."""

import math

import numpy as np
import pytest

from heronry.params.core.aggregation import MeanDifference
from heronry.params.core.layout import Vector
from heronry.params.core.optimizers import Optimizer, OptimizerState, Step, optimizer_for
from heronry.types.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    MixingOptimizer,
    ServerOptimizer,
    SgdOptimizer,
    YogiOptimizer,
)

GRADIENTS = np.random.default_rng(7).normal(size=(20, 6))
START = np.random.default_rng(8).normal(size=6)
ALL = [
    SgdOptimizer(0.1),
    SgdOptimizer(0.1, 0.9),
    SgdOptimizer(0.1, 0.9, nesterov=True),
    AdamOptimizer(0.01),
    YogiOptimizer(0.01),
    AdagradOptimizer(0.1),
    MixingOptimizer(0.5),
]


def sgd_reference(learning_rate: float, momentum: float, nesterov: bool) -> np.ndarray:
    values, velocity = START.copy(), np.zeros(6)
    for gradient in GRADIENTS:
        velocity = momentum * velocity + gradient
        values = values - learning_rate * (gradient + momentum * velocity if nesterov else velocity)
    return values


def adam_reference(learning_rate: float, beta1: float, beta2: float, epsilon: float, is_yogi: bool) -> np.ndarray:
    values, first, second = START.copy(), np.zeros(6), np.zeros(6)
    for step, gradient in enumerate(GRADIENTS, start=1):
        first = beta1 * first + (1 - beta1) * gradient
        square = gradient**2
        change = np.sign(second - square) * square if is_yogi else second - square
        second = second - (1 - beta2) * change
        corrected = np.sqrt(second / (1 - beta2**step)) + epsilon
        values = values - learning_rate * first / (1 - beta1**step) / corrected
    return values


def adagrad_reference(learning_rate: float, initial: float, epsilon: float) -> np.ndarray:
    values, squares = START.copy(), np.full(6, initial)
    for gradient in GRADIENTS:
        squares = squares + gradient**2
        values = values - learning_rate * gradient / (np.sqrt(squares) + epsilon)
    return values


def stepped(optimizer: Optimizer, values: Vector, mean: MeanDifference, state: OptimizerState) -> Step:
    return optimizer.step(values, mean, state, lambda: np.empty_like(values), lambda: np.empty_like(values))


def descended(optimizer: Optimizer) -> np.ndarray:
    values = START.astype(np.float32)
    state = optimizer.initial_state(values)
    for gradient in GRADIENTS.astype(np.float32):
        # The sum of two equal gradients, still to be halved and turned round.
        step = stepped(optimizer, values, MeanDifference(gradient * 2, 0.0, -0.5), state)
        values, state = step.values, step.state
    assert values.dtype == np.float32
    assert state.num_steps == len(GRADIENTS)
    return values


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_equals_the_reference(momentum: float, nesterov: bool) -> None:
    optimizer = optimizer_for(SgdOptimizer(0.05, momentum, nesterov))

    np.testing.assert_allclose(descended(optimizer), sgd_reference(0.05, momentum, nesterov), rtol=1e-5, atol=1e-6)


def test_adam_equals_the_reference() -> None:
    optimizer = optimizer_for(AdamOptimizer(0.01, 0.9, 0.99, 1e-6))

    expected = adam_reference(0.01, 0.9, 0.99, 1e-6, is_yogi=False)
    np.testing.assert_allclose(descended(optimizer), expected, rtol=1e-5, atol=1e-6)


def test_yogi_equals_the_reference() -> None:
    optimizer = optimizer_for(YogiOptimizer(0.01, 0.9, 0.99, 1e-3))

    expected = adam_reference(0.01, 0.9, 0.99, 1e-3, is_yogi=True)
    np.testing.assert_allclose(descended(optimizer), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("initial", [0.0, 0.5])
def test_adagrad_equals_the_reference(initial: float) -> None:
    optimizer = optimizer_for(AdagradOptimizer(0.1, initial, 1e-6))

    np.testing.assert_allclose(descended(optimizer), adagrad_reference(0.1, initial, 1e-6), rtol=1e-5, atol=1e-6)


def test_mixing_moves_by_its_rate_towards_the_pushed_weights() -> None:
    newest, pushed = np.full(3, 2, np.float32), np.full(3, 10, np.float32)
    optimizer = optimizer_for(MixingOptimizer(0.25))

    fresh = stepped(optimizer, newest, MeanDifference(pushed, 1.0), OptimizerState())
    stale = stepped(optimizer, newest, MeanDifference(pushed, 0.5, 0.5), OptimizerState())

    np.testing.assert_array_equal(fresh.values, np.full(3, 4.0))
    np.testing.assert_array_equal(stale.values, np.full(3, 3.0))


@pytest.mark.parametrize("settings", ALL)
def test_weights_anchored_at_the_newest_values_move_as_their_difference_does(settings: ServerOptimizer) -> None:
    newest = START.astype(np.float32)
    pushed = (START + GRADIENTS[0]).astype(np.float32)
    optimizer = optimizer_for(settings)
    state = optimizer.initial_state(newest)

    anchored = stepped(optimizer, newest, MeanDifference(pushed * 3, 1.0, 1 / 3), state)
    plain = stepped(optimizer, newest, MeanDifference(pushed - newest, 0.0), state)

    np.testing.assert_allclose(anchored.values, plain.values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", ALL)
def test_a_step_leaves_values_and_state_as_they_were(settings: ServerOptimizer) -> None:
    optimizer = optimizer_for(settings)
    values, difference = START.astype(np.float32), np.ones(6, np.float32)
    state = optimizer.initial_state(values)
    slots = {name: slot.copy() for name, slot in state.slots.items()}

    step = stepped(optimizer, values, MeanDifference(difference, 0.0), state)

    np.testing.assert_array_equal(values, START.astype(np.float32))
    np.testing.assert_array_equal(difference, np.ones(6, np.float32))
    assert state.num_steps == 0
    assert step.state.slots.keys() == slots.keys()
    for name, slot in slots.items():
        np.testing.assert_array_equal(state.slots[name], slot)


@pytest.mark.parametrize("settings", ALL)
def test_a_step_tells_the_largest_magnitude(settings: ServerOptimizer) -> None:
    optimizer = optimizer_for(settings)
    values = START.astype(np.float32)

    step = stepped(optimizer, values, MeanDifference(np.ones(6, np.float32), 0.0), optimizer.initial_state(values))

    assert step.largest == np.abs(step.values).max()


@pytest.mark.parametrize("settings", ALL)
def test_a_step_beyond_the_number_type_shows_it(settings: ServerOptimizer) -> None:
    optimizer = optimizer_for(settings)
    values = np.full(2, 3.4e38, np.float32)
    state = optimizer.initial_state(values)

    step = stepped(optimizer, values, MeanDifference(np.full(2, np.inf, np.float32), 0.0), state)

    assert not math.isfinite(step.largest)


def test_weights_are_published_as_they_were_pushed_without_a_buffer() -> None:
    newest, pushed = START.astype(np.float32), np.ones(6, np.float32)

    def none_needed() -> Vector:
        raise AssertionError

    step = optimizer_for(SgdOptimizer()).step(
        newest, MeanDifference(pushed, 1.0), OptimizerState(), none_needed, none_needed
    )

    assert step.values is pushed
    assert step.largest == 1.0
