"""Arrays, tensors and modules are read, differentiated and overwritten alike."""

from typing import Any

import numpy as np
import pytest
import torch

from heronry.client.local_values import local_values, mix
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError


def test_arrays_are_overwritten_in_place() -> None:
    weight = np.zeros(3, np.float32)

    local_values({"w": weight}).assign({"w": np.arange(3, dtype=np.float32)})

    np.testing.assert_array_equal(weight, [0, 1, 2])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_tensors_are_overwritten_in_place(dtype: torch.dtype) -> None:
    parameter = torch.nn.Parameter(torch.zeros(2, 2, dtype=dtype))
    values = np.array([[1, 2], [3, 4]], np.float64 if dtype is torch.float64 else np.float32)
    values.flags.writeable = False

    local_values([("w", parameter)]).assign({"w": values})

    assert parameter.tolist() == [[1, 2], [3, 4]]
    assert parameter.requires_grad


def test_autograd_notices_that_values_have_changed() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    loss = (parameter * parameter).sum()

    local_values({"w": parameter}).assign({"w": np.zeros(2, np.float32)})

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_module_gives_gradients_and_zeros_where_there_are_none() -> None:
    module = torch.nn.BatchNorm1d(2)
    module.weight.grad = torch.tensor([1.0, 2.0])

    gradients = local_values(module).gradients(None)

    assert gradients["weight"].tolist() == [1, 2]
    assert gradients["bias"].tolist() == [0, 0]
    assert set(gradients) == {"weight", "bias"}
    assert local_values(module).buffers() == {"running_mean", "running_var", "num_batches_tracked"}


def test_gradients_of_arrays_come_with_the_step() -> None:
    local = local_values({"w": np.zeros(2)})

    assert local.gradients({"w": np.ones(2)})["w"].tolist() == [1, 1]
    with pytest.raises(InvalidArgumentError, match="gradients"):
        local.gradients(None)


@pytest.mark.parametrize("parameters", [3, "abc", {"w": [1.0]}, {"w": np.zeros(1), "v": torch.zeros(1)}, [1, 2]])
def test_what_cannot_be_trained_is_named(parameters: Any) -> None:
    with pytest.raises(SchemaMismatchError, match="parameters: got"):
        local_values(parameters)


def test_arrays_that_cannot_be_written_to_are_named() -> None:
    frozen = np.zeros(1)
    frozen.flags.writeable = False

    with pytest.raises(InvalidArgumentError, match=r"parameters\.w"):
        local_values({"w": frozen})


@pytest.mark.parametrize("make", [lambda: np.full(2, 10, np.float32), lambda: torch.full((2,), 10.0)])
def test_mixing_moves_own_values_towards_the_pulled_ones(make: Any) -> None:
    own = make()

    mix({"w": np.array([0, 20], np.float32)}, {"w": own}, 0.25)

    np.testing.assert_allclose(own, [7.5, 12.5])


def test_what_is_counted_is_taken_and_not_mixed() -> None:
    own = {"count": np.array(3)}

    mix({"count": np.array(8)}, own, 0.5)

    assert own["count"] == 8


def test_what_was_not_pulled_cannot_be_mixed() -> None:
    with pytest.raises(SchemaMismatchError, match="parameters: got 'v', allowed: tensors of what was pulled: w"):
        mix({"w": np.zeros(1)}, {"v": np.zeros(1)}, 0.5)


@pytest.mark.parametrize("beta", [0.0, 1.5])
def test_a_share_out_of_range_is_named(beta: float) -> None:
    with pytest.raises(InvalidArgumentError, match="beta"):
        mix({}, {}, beta)
