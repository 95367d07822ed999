"""Acting with torch against NumPy."""

import numpy as np
import pytest
import torch

from heronry.algorithms.acting import TorchForward, make_torch_forward
from heronry.maths.forward_backends import make_forward
from heronry.maths.networks import Convolution, HeadForward, Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import ConfigurationError, InvalidArgumentError, SchemaMismatchError

DISCRETE = ActionSpace("discrete", num_actions=3)
SHOWN = ObservationSpace((4,))
PICTURES = ObservationSpace((12, 9, 3), "uint8")
CONVOLUTIONAL = Layers((16,), "relu", (Convolution(5), Convolution(4, kernel=2, stride=2)))


def random_tensors(spec, seed=0):
    rng = np.random.default_rng(seed)
    return {name: (0.3 * rng.normal(size=shape)).astype(np.float32) for name, shape in spec.shapes().items()}


@pytest.mark.parametrize(("layers", "space"), [(Layers((8, 8)), SHOWN), (CONVOLUTIONAL, PICTURES)])
def test_outputs_equal_numpys(layers, space):
    spec = network_for("ppo", layers, space, DISCRETE)
    first, second = random_tensors(spec), random_tensors(spec, 1)
    observations = np.random.default_rng(2).integers(0, 256, (7, *space.shape)).astype(space.element_type)
    forward = make_forward("torch", spec, "policy", first)

    forward.load(second)

    assert isinstance(forward, TorchForward)
    np.testing.assert_allclose(
        forward(observations), HeadForward(spec, "policy", second)(observations), rtol=1e-4, atol=1e-4
    )


def test_acting_needs_the_tensors_of_its_head_alone():
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)
    tensors = {name: a for name, a in random_tensors(spec).items() if name.startswith("policy/")}

    outputs = make_torch_forward(spec, "policy", tensors, "cpu")(np.zeros((2, 4), np.float32))

    assert outputs.shape == (2, 3)


def test_what_is_not_the_networks_is_refused():
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)
    tensors = random_tensors(spec)

    with pytest.raises(SchemaMismatchError, match="policy/0/weight"):
        make_torch_forward(spec, "policy", {**tensors, "policy/0/weight": np.zeros((8, 5), np.float32)}, "cpu")
    with pytest.raises(SchemaMismatchError, match=r"observation\.size: got 5"):
        make_torch_forward(spec, "policy", tensors, "cpu")(np.zeros((2, 5), np.float32))


def test_memory_is_refused():
    spec = network_for("external", Layers((8,), recurrent=4), SHOWN, DISCRETE)

    with pytest.raises(InvalidArgumentError, match=r"network\.recurrent"):
        make_torch_forward(spec, "policy", random_tensors(spec), "cpu")


def test_a_device_that_is_not_here_is_refused_with_those_that_are():
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)

    with pytest.raises(ConfigurationError, match=r"fleet\.device: got 'cuda:99', allowed: auto, cpu"):
        make_torch_forward(spec, "policy", random_tensors(spec), "cuda:99")


@pytest.mark.gpu
def test_a_device_gives_the_cpus_outputs():
    assert torch.cuda.is_available()
    spec = network_for("ppo", CONVOLUTIONAL, PICTURES, DISCRETE)
    tensors = random_tensors(spec)
    pictures = np.random.default_rng(2).integers(0, 256, (7, 12, 9, 3)).astype(np.uint8)

    outputs = make_torch_forward(spec, "policy", tensors, "auto")(pictures)

    np.testing.assert_allclose(outputs, HeadForward(spec, "policy", tensors)(pictures), atol=1e-3)
