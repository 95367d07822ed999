"""Server optimisers beside `torch.optim`."""

import numpy as np
import pytest
import torch

from heronry.params.core.aggregation import MeanDifference
from heronry.params.core.optimizers import optimizer_for
from heronry.types.optimizers import AdagradOptimizer, AdamOptimizer, SgdOptimizer

CASES = [
    (SgdOptimizer(0.05), lambda p: torch.optim.SGD(p, 0.05)),
    (SgdOptimizer(0.05, 0.9), lambda p: torch.optim.SGD(p, 0.05, 0.9)),
    (SgdOptimizer(0.05, 0.9, nesterov=True), lambda p: torch.optim.SGD(p, 0.05, 0.9, nesterov=True)),
    (AdamOptimizer(0.003), lambda p: torch.optim.Adam(p, 0.003)),
    (AdagradOptimizer(0.05), lambda p: torch.optim.Adagrad(p, 0.05)),
    (AdagradOptimizer(0.05, 0.3, 1e-6), lambda p: torch.optim.Adagrad(p, 0.05, 0, 0, 0.3, 1e-6)),
    (AdamOptimizer(0.1, 0.8, 0.95, 1e-3), lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.95), 1e-3)),
]


@pytest.mark.parametrize(("settings", "make_torch"), CASES)
def test_fifty_steps_equal_torch_to_a_millionth(settings, make_torch) -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=40).astype(np.float32)
    parameter = torch.nn.Parameter(torch.tensor(values))
    reference, optimizer = make_torch([parameter]), optimizer_for(settings)
    state = optimizer.initial_state(values)

    for _ in range(50):
        gradient = rng.normal(size=40).astype(np.float32)
        parameter.grad = torch.tensor(gradient)
        reference.step()
        mean = MeanDifference(gradient, 0.0, -1.0)
        step = optimizer.step(values, mean, state, lambda: np.empty(40, np.float32), lambda: np.empty(40, np.float32))
        values, state = step.values, step.state

    np.testing.assert_allclose(values, parameter.detach().numpy(), rtol=1e-6, atol=1e-6)
