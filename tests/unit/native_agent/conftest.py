"""Networks and hand-made batches for the agent and for the Python learner."""

import numpy as np
import pytest

from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ObservationSpace
from heronry.types.experience import Batch
from tests.support.learners import box, discrete, one_thread

__all__ = ["box", "discrete", "make_batch", "make_network", "one_thread"]

SMALL = Layers((8, 8))
VECTOR = ObservationSpace((4,))


@pytest.fixture
def make_network():
    def make(algorithm, action_space, layers=SMALL, shown=VECTOR):
        network = network_for(algorithm, layers, shown, action_space)
        return network, network.init(np.random.default_rng(5))

    return make


@pytest.fixture
def make_batch():
    """Random experience with terminations, truncations and reset rows in mid-batch."""

    def make(seed, action_space, num_steps=16, batch_size=4, shown=VECTOR):
        rng = np.random.default_rng(seed)
        shape = (num_steps, batch_size)
        kind = rng.integers(0, 8, shape)
        mask = np.ones(shape, bool)
        mask[1:] = (kind[:-1] > 1) | (rng.random((num_steps - 1, batch_size)) < 0.5)
        columns = {
            "observation": observations(rng, shape, shown),
            "action": actions(rng, shape, action_space),
            "reward": rng.normal(size=shape).astype(np.float32),
            "terminated": (kind == 0) & mask,
            "truncated": (kind == 1) & mask,
            "next_observation": observations(rng, shape, shown),
            "mask": mask,
            "log_probability": (-1.1 + 0.1 * rng.normal(size=shape)).astype(np.float32),
            "episode_id": np.zeros(shape, np.uint64),
        }
        if action_space.is_masked:
            columns["action_mask"] = allowed(rng, columns["action"], action_space)
            columns["next_action_mask"] = rng.random((*shape, action_space.num_logits)) < 0.6
        for column in columns.values():
            column.flags.writeable = False  # as columns are that arrived over the wire
        keys = np.arange(batch_size, dtype=np.uint64)
        ones = np.ones(batch_size)
        probabilities = rng.random(batch_size) * 0.01 + 1e-4
        return Batch(columns, keys, probabilities, ones, ones.astype(np.uint32), keys, keys, table_size=100)

    return make


def observations(rng, leading, shown):
    if shown.element_type == "uint8":
        return rng.integers(0, shown.high + 1, (*leading, *shown.shape)).astype(np.uint8)
    return rng.normal(size=(*leading, *shown.shape)).astype(np.float32)


def allowed(rng, chosen, action_space):
    """Masks that allow what was chosen."""
    chosen = chosen.reshape(*chosen.shape[:2], -1)
    parts = [rng.random((*chosen.shape[:2], n)) < 0.5 for n in action_space.num_choices]
    for component, part in enumerate(parts):
        np.put_along_axis(part, chosen[..., component, None], True, axis=2)
    return np.concatenate(parts, axis=2)


def actions(rng, leading, action_space):
    if action_space.is_continuous:
        return rng.normal(size=(*leading, *action_space.shape)).astype(np.float32)
    chosen = [rng.integers(0, n, leading) for n in action_space.num_choices]
    return chosen[0] if action_space.kind == "discrete" else np.stack(chosen, axis=-1)
