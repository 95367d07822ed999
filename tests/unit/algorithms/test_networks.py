"""The torch network against its NumPy twin."""

import numpy as np
import pytest
import torch

from heronry.algorithms.networks import FlatNetwork
from heronry.maths.networks import Convolution, Layers, evaluate, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError

CPU = torch.device("cpu")


@pytest.mark.parametrize("activation", ["tanh", "relu", "elu"])
@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_forward_equals_numpy(make_network, discrete, activation: str, algorithm: str) -> None:
    network, tensors = make_network(algorithm, discrete, activation)
    observations = np.random.default_rng(0).normal(scale=3.0, size=(32, 4)).astype(np.float32)
    flat = FlatNetwork(network, tensors, CPU)

    expected = evaluate(network, tensors, observations)

    for head, values in expected.items():
        outputs = flat.forward(head, flat.views(), torch.from_numpy(observations))
        np.testing.assert_allclose(outputs.detach().numpy(), values, atol=1e-5)


def test_convolutions_equal_numpy() -> None:
    layers = Layers((16,), "relu", (Convolution(5), Convolution(4, kernel=2, stride=2)))
    network = network_for("ppo", layers, ObservationSpace((12, 9, 3), "uint8"), ActionSpace("discrete", num_actions=3))
    tensors = network.init(np.random.default_rng(0))
    pictures = np.random.default_rng(1).integers(0, 256, (6, 12, 9, 3)).astype(np.uint8)
    flat = FlatNetwork(network, tensors, CPU)

    expected = evaluate(network, tensors, pictures)

    for head, values in expected.items():
        outputs = flat.forward(head, flat.views(), torch.from_numpy(network.inputs(pictures)))
        np.testing.assert_allclose(outputs.detach().numpy(), values, atol=1e-5)


def test_memory_is_refused() -> None:
    network = network_for(
        "external", Layers(recurrent=4), ObservationSpace((4,)), ActionSpace("discrete", num_actions=3)
    )

    with pytest.raises(InvalidArgumentError, match=r"network\.recurrent: got 4, .*through time"):
        FlatNetwork(network, network.init(np.random.default_rng(0)), CPU)


def test_tensors_come_back_as_they_went_in(make_network, box) -> None:
    network, tensors = make_network("ppo", box)

    returned = FlatNetwork(network, tensors, CPU).tensors()

    assert list(returned) == list(network.shapes())
    for name, array in tensors.items():
        np.testing.assert_array_equal(returned[name], array)


def test_tensors_of_another_network_are_refused(make_network, discrete) -> None:
    network, tensors = make_network("ppo", discrete)
    wrong = {**tensors, "policy/0/weight": np.zeros((3, 3), np.float32)}

    with pytest.raises(SchemaMismatchError, match="policy/0/weight"):
        FlatNetwork(network, wrong, CPU)


@pytest.mark.parametrize("activation", ["tanh", "relu", "elu"])
def test_gradients_equal_those_of_plain_float64_operations(make_network, discrete, activation: str) -> None:
    network, tensors = make_network("dqn", discrete, activation)
    observations = np.random.default_rng(1).normal(size=(16, 4))
    flat = FlatNetwork(network, tensors, CPU)
    outputs = flat.forward("q", flat.views(), torch.from_numpy(observations.astype(np.float32)))
    (gradient,) = torch.autograd.grad(outputs.square().sum(), flat.flat)

    weights = [torch.from_numpy(a.astype(np.float64)).requires_grad_() for a in tensors.values()]
    values = torch.from_numpy(observations)
    apply = {"tanh": torch.tanh, "relu": torch.relu, "elu": torch.nn.functional.elu}[activation]
    for i in range(0, len(weights), 2):
        values = values @ weights[i].T + weights[i + 1]
        values = apply(values) if i < len(weights) - 2 else values
    expected = torch.autograd.grad(values.square().sum(), weights)

    np.testing.assert_allclose(
        gradient.numpy(), torch.cat([g.reshape(-1) for g in expected]).numpy(), rtol=1e-4, atol=1e-5
    )
