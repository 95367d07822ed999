"""Spaces and values of simulators, as they describe them in JSON."""

import base64
import json

import numpy as np
import pytest
from gymnasium import spaces

from heronry.environments.isolated.descriptions import action_to_json, read_space, read_value
from heronry.environments.isolated.simulator import SimulatorError

DESCRIBED = [
    ({"kind": "box", "shape": [2], "low": -1, "high": [1, None]}, spaces.Box(-1, np.float32([1, np.inf]), (2,))),
    ({"kind": "box", "shape": [2, 2], "element_type": "uint8"}, spaces.Box(0, 255, (2, 2), np.uint8)),
    ({"kind": "discrete", "n": 3, "start": 5}, spaces.Discrete(3, start=5)),
    ({"kind": "multi_discrete", "nvec": [2, 3]}, spaces.MultiDiscrete([2, 3])),
    ({"kind": "multi_binary", "n": 4}, spaces.MultiBinary(4)),
    ({"kind": "text", "max_length": 8}, spaces.Text(8)),
    ({"kind": "dict", "spaces": {"a": {"kind": "discrete", "n": 2}}}, spaces.Dict({"a": spaces.Discrete(2)})),
    ({"kind": "tuple", "spaces": [{"kind": "discrete", "n": 2}]}, spaces.Tuple([spaces.Discrete(2)])),
]  # fmt: skip


@pytest.mark.parametrize(("description", "space"), DESCRIBED, ids=lambda v: v["kind"] if isinstance(v, dict) else "")
def test_a_description_is_the_space(description, space):
    assert read_space(description) == space


@pytest.mark.parametrize("space", [space for _, space in DESCRIBED], ids=lambda s: type(s).__name__)
def test_values_come_back_from_json(space):
    space.seed(0)
    value = space.sample()

    sent = json.loads(json.dumps(value, default=lambda v: np.asarray(v).tolist()))

    assert spaces.utils.flatten(space, read_value(space, sent)).tolist() == spaces.utils.flatten(space, value).tolist()


def test_an_array_may_come_as_bytes():
    space = spaces.Box(0, 255, (2, 3), np.uint8)
    image = np.arange(6, dtype=np.uint8).reshape(2, 3)

    read = read_value(space, {"base64": base64.b64encode(image.tobytes()).decode(), "shape": [2, 3]})

    assert read.tolist() == image.tolist()


def test_another_shape_is_refused_with_both():
    with pytest.raises(SimulatorError, match=r"\(3,\).*\(2,\)"):
        read_value(spaces.Box(-1, 1, (2,)), [0, 0, 0])


@pytest.mark.parametrize(
    "description",
    [None, {}, {"kind": "graph"}, {"kind": "box"}, {"kind": "discrete", "n": 0}, {"kind": "box", "shape": "x"}],
)
def test_an_unusable_description_is_refused_with_itself(description):
    with pytest.raises(SimulatorError, match="space"):
        read_space(description)


def test_actions_are_numbers_or_lists():
    assert action_to_json(np.int64(3)) == 3
    assert action_to_json(np.float32([0.5, -1])) == [0.5, -1.0]
