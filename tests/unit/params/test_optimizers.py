"""Server optimisers against ten-line references in float64."""

import numpy as np
import pytest

from heronry.params.core.aggregation import Difference, WeightedSum
from heronry.params.core.optimizers import Optimizer, optimizer_of
from heronry.types.models import AdamOptimizer, SgdOptimizer

GRADIENTS = np.random.default_rng(7).normal(size=(20, 6))
START = np.random.default_rng(8).normal(size=6)


def sgd_reference(learning_rate: float, momentum: float, nesterov: bool) -> np.ndarray:
    values, velocity = START.copy(), np.zeros(6)
    for gradient in GRADIENTS:
        velocity = momentum * velocity + gradient
        values = values - learning_rate * (gradient + momentum * velocity if nesterov else velocity)
    return values


def adam_reference(learning_rate: float, beta1: float, beta2: float, epsilon: float) -> np.ndarray:
    values, first, second = START.copy(), np.zeros(6), np.zeros(6)
    for step, gradient in enumerate(GRADIENTS, start=1):
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        corrected = np.sqrt(second / (1 - beta2**step)) + epsilon
        values = values - learning_rate * first / (1 - beta1**step) / corrected
    return values


def descended(optimizer: Optimizer) -> np.ndarray:
    values = START.astype(np.float32)
    state = optimizer.initial_state(values)
    for gradient in GRADIENTS.astype(np.float32):
        mean = WeightedSum().plus(Difference(gradient, sign=-1.0), 1.0).mean()
        values, state = optimizer.step(values, mean, state)
    assert values.dtype == np.float32
    assert state.num_steps == len(GRADIENTS)
    return values


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_equals_the_reference(momentum: float, nesterov: bool) -> None:
    optimizer = optimizer_of(SgdOptimizer(0.05, momentum, nesterov))

    np.testing.assert_allclose(descended(optimizer), sgd_reference(0.05, momentum, nesterov), rtol=1e-5, atol=1e-6)


def test_adam_equals_the_reference() -> None:
    optimizer = optimizer_of(AdamOptimizer(0.01, 0.9, 0.99, 1e-6))

    np.testing.assert_allclose(descended(optimizer), adam_reference(0.01, 0.9, 0.99, 1e-6), rtol=1e-5, atol=1e-6)


def test_a_step_leaves_values_and_state_as_they_were() -> None:
    optimizer = optimizer_of(AdamOptimizer(0.01))
    values = START.astype(np.float32)
    state = optimizer.initial_state(values)
    mean = WeightedSum().plus(Difference(np.ones(6, np.float32)), 1.0).mean()

    optimizer.step(values, mean, state)

    np.testing.assert_array_equal(values, START.astype(np.float32))
    assert state.num_steps == 0
    assert not state.slots["moment1"].any()
