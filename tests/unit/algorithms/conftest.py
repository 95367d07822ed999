"""Small networks and hand-made batches."""

import numpy as np
import pytest

from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ObservationSpace
from heronry.types.experience import Batch
from tests.support.learners import box, discrete, one_thread

__all__ = ["box", "discrete", "make_batch", "make_network", "one_thread"]


@pytest.fixture
def make_network():
    def make(algorithm, action_space, activation="tanh", hidden=(8, 8)):
        network = network_for(algorithm, Layers(tuple(hidden), activation), ObservationSpace((4,)), action_space)
        return network, network.init(np.random.default_rng(5))

    return make


@pytest.fixture
def make_batch():
    """Random experience with terminations, truncations and reset rows in mid-batch."""

    def make(seed, action_space, num_steps=16, batch_size=4, probabilities=None):
        rng = np.random.default_rng(seed)
        shape = (num_steps, batch_size)
        kind = rng.integers(0, 8, shape)
        mask = np.ones(shape, bool)
        mask[1:] = (kind[:-1] > 1) | (rng.random((num_steps - 1, batch_size)) < 0.5)
        terminated, truncated = (kind == 0) & mask, (kind == 1) & mask
        if action_space.is_continuous:
            actions = rng.normal(size=(*shape, *action_space.shape)).astype(np.float32)
        else:
            actions = rng.integers(0, action_space.num_actions, shape)
        columns = {
            "observation": rng.normal(size=(*shape, 4)).astype(np.float32),
            "action": actions,
            "reward": rng.normal(size=shape).astype(np.float32),
            "terminated": terminated,
            "truncated": truncated,
            "next_observation": rng.normal(size=(*shape, 4)).astype(np.float32),
            "mask": mask,
            "log_probability": (-1.1 + 0.1 * rng.normal(size=shape)).astype(np.float32),
        }
        for column in columns.values():
            column.flags.writeable = False  # as columns are that arrived over the wire
        if probabilities is None:
            probabilities = np.full(batch_size, 0.01)
        keys = np.arange(batch_size, dtype=np.uint64)
        ones = np.ones(batch_size)
        return Batch(columns, keys, probabilities, ones, ones.astype(np.uint32), keys, keys, table_size=100)

    return make
