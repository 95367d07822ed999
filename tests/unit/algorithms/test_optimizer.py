"""Adam against torch's own, and the bound of the gradient."""

import numpy as np
import pytest
import torch

from heronry.algorithms.optimizer import ClippedAdam


def test_steps_equal_those_of_torch_with_a_clipped_norm() -> None:
    rng = np.random.default_rng(0)
    begin = torch.from_numpy(rng.normal(size=50).astype(np.float32))
    ours, theirs = begin.clone().requires_grad_(), begin.clone().requires_grad_()
    adam = ClippedAdam(ours, 1e-2, 1e-5, 0.5)
    reference = torch.optim.Adam([theirs], lr=1e-2, eps=1e-5)

    for scale in (0.01, 1.0, 3.0, 0.1, 2.0):
        target = torch.from_numpy(rng.normal(scale=scale, size=50).astype(np.float32))
        adam.step((ours - target).square().sum())
        theirs.grad = torch.autograd.grad((theirs - target).square().sum(), theirs)[0]
        torch.nn.utils.clip_grad_norm_([theirs], 0.5)
        reference.step()

    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), atol=1e-6)


def test_a_gradient_within_the_bound_is_left_alone() -> None:
    flat = torch.zeros(2, requires_grad=True)
    adam = ClippedAdam(flat, 1.0, 1.0, max_gradient_norm=10.0)

    adam.step((flat * torch.tensor([3.0, 4.0])).sum())

    # The first step is lr * g / (|g| + epsilon).
    assert flat.detach().tolist() == pytest.approx([-3 / 4, -4 / 5])
