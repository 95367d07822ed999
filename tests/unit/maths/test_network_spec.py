"""Networks with convolutions and with memory: tensors, beginnings, JSON values, refusals."""

import numpy as np
import pytest

from heronry.maths.networks import Convolution, HeadForward, Layers, NetworkSpec, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.spec import RunSpec
from heronry.types.errors import ConfigurationError, InvalidArgumentError

FLAGS = ObservationSpace((10, 10, 4), "uint8", high=1)
DISCRETE = ActionSpace("discrete", num_actions=3)
CONVOLUTIONAL = Layers((32,), "relu", (Convolution(16), Convolution(8, kernel=2, stride=2)))


def test_convolutions_come_before_the_hidden_layers_of_each_head():
    spec = network_for("ppo", CONVOLUTIONAL, FLAGS, DISCRETE)

    shapes = {name: shape for name, shape in spec.shapes().items() if name.startswith("policy/")}

    assert shapes == {
        "policy/convolution_0/weight": (16, 3, 3, 4),
        "policy/convolution_0/bias": (16,),
        "policy/convolution_1/weight": (8, 2, 2, 16),
        "policy/convolution_1/bias": (8,),
        "policy/0/weight": (32, 4 * 4 * 8),
        "policy/0/bias": (32,),
        "policy/head/weight": (3, 32),
        "policy/head/bias": (3,),
    }
    assert list(spec.shapes())[:8] == list(shapes)


def test_a_convolution_begins_orthogonal_as_a_matrix_of_its_windows():
    tensors = network_for("dqn", CONVOLUTIONAL, FLAGS, DISCRETE).init(np.random.default_rng(0))

    norms = np.linalg.svd(tensors["q/convolution_0/weight"].reshape(16, 36), compute_uv=False)

    np.testing.assert_allclose(norms, np.sqrt(2.0), rtol=1e-5)


def test_products_are_counted_over_every_window():
    spec = network_for("dqn", CONVOLUTIONAL, FLAGS, DISCRETE)

    assert spec.num_products("q") == 64 * 16 * 36 + 16 * 8 * 64 + 128 * 32 + 32 * 3


def test_bytes_are_scaled_by_the_largest_that_is_shown():
    spec = network_for("dqn", Layers((4,)), FLAGS, DISCRETE)
    flags = np.ones((2, 10, 10, 4), np.uint8)

    assert np.all(spec.inputs(flags) == 1.0)
    assert spec.inputs(flags[None], 2).shape == (1, 2, 400)


def test_an_observation_space_keeps_its_largest_byte_in_json():
    assert ObservationSpace.from_dict(FLAGS.to_dict()) == FLAGS
    assert "high" not in ObservationSpace((4,), "uint8").to_dict()


def test_a_network_that_differs_has_other_json_values():
    plain = network_for("ppo", Layers((32,), "relu"), FLAGS, DISCRETE).to_dict()
    convolutional = network_for("ppo", CONVOLUTIONAL, FLAGS, DISCRETE).to_dict()

    assert plain != convolutional
    assert convolutional["convolution"] == [
        {"channels": 16, "kernel": 3, "stride": 1},
        {"channels": 8, "kernel": 2, "stride": 2},
    ]
    assert Layers.of_dict(convolutional) == CONVOLUTIONAL


def test_layers_are_read_from_a_run_spec():
    network = {"convolution": [{"channels": 16}, {"channels": 8, "kernel": 2, "stride": 2}], "hidden": [32]}
    spec = RunSpec.from_dict({"environment": {"id": "x"}, "network": {**network, "activation": "relu"}})

    assert Layers.of_dict(spec.network.model_dump()) == CONVOLUTIONAL


def test_convolutions_need_pictures_that_hold_their_windows():
    with pytest.raises(InvalidArgumentError, match=r"network\.convolution: got 2, .*not \[height, width, channels\]"):
        network_for("ppo", CONVOLUTIONAL, ObservationSpace((4,)), DISCRETE)
    with pytest.raises(InvalidArgumentError, match=r"network\.convolution\.kernel: got 11, allowed: at most 10"):
        network_for("ppo", Layers(convolutions=(Convolution(4, kernel=11),)), FLAGS, DISCRETE)


def test_memory_comes_before_the_head():
    spec = network_for("external", Layers((8,), recurrent=5), ObservationSpace((3,)), DISCRETE)

    assert spec.shapes() == {
        "policy/0/weight": (8, 3),
        "policy/0/bias": (8,),
        "policy/recurrent/input_weight": (15, 8),
        "policy/recurrent/state_weight": (15, 5),
        "policy/recurrent/input_bias": (15,),
        "policy/recurrent/state_bias": (15,),
        "policy/head/weight": (3, 5),
        "policy/head/bias": (3,),
    }


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_only_an_external_learner_takes_memory(algorithm):
    with pytest.raises(
        InvalidArgumentError, match=rf"network\.recurrent: got 4, allowed: 0 with algorithm '{algorithm}'"
    ):
        network_for(algorithm, Layers(recurrent=4), ObservationSpace((3,)), DISCRETE)


def test_a_run_with_memory_needs_an_external_learner_and_central_inference():
    spec = {"environment": {"id": "CartPole-v1"}, "network": {"recurrent": 4}}
    external = {**spec, "algorithm": {"name": "external"}}

    with pytest.raises(
        ConfigurationError, match=r"network\.recurrent: got 4, allowed: null with algorithm\.name 'ppo'"
    ):
        RunSpec.from_dict(spec)
    with pytest.raises(ConfigurationError, match=r"network\.recurrent: got 4, allowed: null unless fleet\.inference"):
        RunSpec.from_dict(external)
    assert RunSpec.from_dict({**external, "fleet": {"inference": "central"}}).network.recurrent == 4


def test_a_head_without_states_does_not_take_memory():
    spec = network_for("external", Layers(recurrent=4), ObservationSpace((3,)), DISCRETE)

    with pytest.raises(InvalidArgumentError, match=r"keeps no states"):
        HeadForward(spec, "policy", spec.init(np.random.default_rng(0)))


def test_q_learning_refuses_several_choices_at_once():
    with pytest.raises(InvalidArgumentError, match=r"multi_discrete"):
        network_for("dqn", Layers(), ObservationSpace((3,)), ActionSpace.of_choices((2, 3)))


def test_a_policy_of_several_choices_has_the_logits_of_all():
    spec = network_for("ppo", Layers((4,)), ObservationSpace((3,)), ActionSpace.of_choices((2, 3)))

    assert spec.shapes()["policy/head/weight"] == (5, 4)
    assert spec.num_choices == (2, 3)
    assert spec.to_dict()["num_choices"] == [2, 3]


def test_an_unknown_head_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"network\.heads"):
        NetworkSpec(ObservationSpace((3,)), Layers(), (("critic", 1),))
