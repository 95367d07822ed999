"""The same updates on a CUDA device."""

import numpy as np
import pytest
import torch

from heronry.algorithms import AlgorithmContext, load
from heronry.spec.algorithms import DqnSettings, PpoSettings

pytestmark = pytest.mark.gpu

SETTINGS = {
    "ppo": PpoSettings(batch_size=4, minibatch_size=16, epochs=2),
    "dqn": DqnSettings(batch_size=8, num_steps=3, publish_period=2, target_update_period=3),
}


@pytest.mark.parametrize("name", ["ppo", "dqn"])
def test_updates_on_cuda_equal_those_on_the_cpu(name, make_network, make_batch, discrete) -> None:
    assert torch.cuda.is_available()
    network, tensors = make_network(name, discrete)
    on_cpu, on_cuda = (
        load(name)(SETTINGS[name], AlgorithmContext(network, tensors, device, seed=1)) for device in ("cpu", "cuda:0")
    )

    for seed in range(3):
        batch = make_batch(seed, discrete, num_steps=3 if name == "dqn" else 16, batch_size=16)
        on_cpu.update(batch)
        on_cuda.update(batch)

    for tensor, array in on_cpu.weights().items():
        np.testing.assert_allclose(on_cuda.weights()[tensor], array, atol=1e-4)
    state = on_cuda.state()
    on_cuda.load_state(state)
    np.testing.assert_array_equal(
        on_cuda.state().arrays["optimizer/first_moment"], state.arrays["optimizer/first_moment"]
    )
