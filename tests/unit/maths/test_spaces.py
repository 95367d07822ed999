"""Plain spaces: JSON values, sizes and network inputs."""

import numpy as np
import pytest

from heronry.maths.spaces import ActionSpace, ObservationSpace, flatten_observations
from heronry.types.errors import InvalidArgumentError

BOX = ActionSpace("box", shape=(2,), low=(-1.0, -np.inf), high=(1.0, np.inf))


@pytest.mark.parametrize("space", [ActionSpace("discrete", num_actions=4), BOX])
def test_an_action_space_survives_its_json_values(space):
    assert ActionSpace.from_dict(space.to_dict()) == space


def test_an_unbounded_side_is_no_number_in_json():
    assert BOX.to_dict()["high"] == [1.0, None]


def test_an_observation_space_survives_its_json_values():
    space = ObservationSpace((84, 84, 4), "uint8")

    assert ObservationSpace.from_dict(space.to_dict()) == space
    assert space.size == 84 * 84 * 4


def test_an_unknown_kind_of_actions_is_refused():
    with pytest.raises(InvalidArgumentError, match="discrete, box"):
        ActionSpace.from_dict({"kind": "text"})


def test_float_observations_are_flattened_without_a_copy():
    observations = np.arange(12, dtype=np.float32).reshape(2, 3, 2)

    flat = flatten_observations(observations)

    assert flat.shape == (2, 6)
    assert np.shares_memory(flat, observations)


def test_images_are_scaled_to_one():
    images = np.array([[[0, 255], [51, 102]]], np.uint8)

    np.testing.assert_allclose(flatten_observations(images), [[0.0, 1.0, 0.2, 0.4]], atol=1e-6)


def test_leading_axes_are_kept():
    assert flatten_observations(np.zeros((4, 3, 2, 2), np.float32), num_leading=2).shape == (4, 3, 4)
