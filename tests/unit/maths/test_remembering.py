"""A policy with memory keeps each lane's state from call to call, from episode to episode."""

import numpy as np
import pytest

from heronry.maths.networks import Layers, RecurrentForward, network_for
from heronry.maths.remembering import RememberingForward, Remembers
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError

NETWORK = network_for(
    "external", Layers((6,), recurrent=5), ObservationSpace((3,)), ActionSpace("discrete", num_actions=2)
)
RNG = np.random.default_rng(0)
OBSERVATIONS = RNG.normal(size=(7, 4, 3)).astype(np.float32)
BEGINS = RNG.random((7, 4)) < 0.4


def forward(seed=0):
    return RecurrentForward(NETWORK, "policy", NETWORK.init(np.random.default_rng(seed)))


def test_states_follow_the_lanes_and_begin_anew_with_their_episodes() -> None:
    remembering = RememberingForward(forward())
    reference, states = forward(), np.zeros((4, 5), np.float32)

    for observations, begins in zip(OBSERVATIONS, BEGINS, strict=True):
        remembering.begin_episodes(begins)
        outputs = remembering(observations)

        expected, states = reference(observations, np.where(begins[:, None], np.float32(0.0), states))
        np.testing.assert_array_equal(outputs, expected)
    assert isinstance(remembering, Remembers)


def test_other_weights_go_on_with_the_states_there_are() -> None:
    remembering, reference = RememberingForward(forward()), forward()
    remembering(OBSERVATIONS[0])
    _, states = reference(OBSERVATIONS[0], np.zeros((4, 5), np.float32))

    other = NETWORK.init(np.random.default_rng(1))
    remembering.load(other)
    reference.load(other)

    np.testing.assert_array_equal(remembering(OBSERVATIONS[1]), reference(OBSERVATIONS[1], states)[0])


def test_other_lanes_are_named() -> None:
    remembering = RememberingForward(forward())
    remembering(OBSERVATIONS[0])

    with pytest.raises(InvalidArgumentError, match="observations: got 2, allowed: 4 lanes, as before"):
        remembering(OBSERVATIONS[0, :2])
