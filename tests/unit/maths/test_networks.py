"""Networks: names and shapes of tensors, initialisation, and the forward pass against a plain reference."""

import numpy as np
import pytest

from heronry.maths.networks import HeadForward, Layers, NetworkSpec, evaluate, network_for, orthogonal
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError

SHOWN = ObservationSpace((4,))
DISCRETE = ActionSpace("discrete", num_actions=3)
BOX = ActionSpace("box", shape=(2,), low=(-1.0, -1.0), high=(1.0, 1.0))

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0.0)) - 1.0),
}


def reference(tensors, head, num_hidden, activation, observations):
    values = observations.astype(np.float64)
    for i in range(num_hidden):
        values = activation(values @ tensors[f"{head}/{i}/weight"].T + tensors[f"{head}/{i}/bias"])
    return values @ tensors[f"{head}/head/weight"].T + tensors[f"{head}/head/bias"]


def random_tensors(spec, rng):
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in spec.shapes().items()}


def test_ppo_has_a_torso_for_each_head_in_a_fixed_order():
    spec = network_for("ppo", Layers((64, 32)), SHOWN, DISCRETE)

    shapes = spec.shapes()

    assert shapes == {
        "policy/0/weight": (64, 4),
        "policy/0/bias": (64,),
        "policy/1/weight": (32, 64),
        "policy/1/bias": (32,),
        "policy/head/weight": (3, 32),
        "policy/head/bias": (3,),
        "value/0/weight": (64, 4),
        "value/0/bias": (64,),
        "value/1/weight": (32, 64),
        "value/1/bias": (32,),
        "value/head/weight": (1, 32),
        "value/head/bias": (1,),
    }
    assert list(spec.init(np.random.default_rng(0))) == list(shapes)


def test_dqn_has_one_head_of_action_values():
    spec = network_for("dqn", Layers((8,), "relu"), SHOWN, DISCRETE)

    assert list(spec.shapes()) == ["q/0/weight", "q/0/bias", "q/head/weight", "q/head/bias"]
    assert spec.shapes()["q/head/weight"] == (3, 8)


def test_a_continuous_policy_ends_with_its_log_std():
    spec = network_for("ppo", Layers((8,)), SHOWN, BOX)

    names = list(spec.shapes())

    assert names.index("policy/log_std") == names.index("policy/head/bias") + 1
    assert spec.shapes()["policy/log_std"] == (2,)
    assert np.all(spec.init(np.random.default_rng(0))["policy/log_std"] == 0.0)


def test_dqn_refuses_continuous_actions():
    with pytest.raises(InvalidArgumentError, match="continuous"):
        network_for("dqn", Layers((8,), "relu"), SHOWN, BOX)


def test_an_unknown_algorithm_is_refused_with_those_there_are():
    with pytest.raises(InvalidArgumentError, match="'sac', allowed: ppo, external, dqn"):
        network_for("sac", Layers((8,), "relu"), SHOWN, DISCRETE)


def test_an_unknown_activation_is_refused_with_those_there_are():
    with pytest.raises(InvalidArgumentError, match="'gelu', allowed: tanh, relu, elu"):
        network_for("ppo", Layers((8,), "gelu"), SHOWN, DISCRETE)


@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (3, 5), (4, 4)])
def test_the_shorter_side_of_an_orthogonal_matrix_is_orthonormal_times_its_gain(rows, columns):
    matrix = orthogonal(rows, columns, 2.0, np.random.default_rng(0)).astype(np.float64)

    product = matrix.T @ matrix if rows > columns else matrix @ matrix.T

    np.testing.assert_allclose(product, 4.0 * np.eye(min(rows, columns)), atol=1e-5)


def test_heads_begin_with_their_own_gains_and_hidden_layers_with_root_two():
    tensors = network_for("ppo", Layers((16,)), SHOWN, DISCRETE).init(np.random.default_rng(0))

    norms = {name: np.linalg.svd(tensors[name], compute_uv=False) for name in tensors if name.endswith("weight")}

    np.testing.assert_allclose(norms["policy/0/weight"], np.sqrt(2.0), rtol=1e-5)
    np.testing.assert_allclose(norms["policy/head/weight"], 0.01, rtol=1e-5)
    np.testing.assert_allclose(norms["value/head/weight"], 1.0, rtol=1e-5)
    assert all(np.all(tensors[name] == 0.0) for name in tensors if name.endswith("bias"))


def test_the_same_generator_state_gives_the_same_tensors():
    spec = network_for("ppo", Layers((8, 8)), SHOWN, DISCRETE)

    first, second = (spec.init(np.random.default_rng(7)) for _ in range(2))

    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert all(array.dtype == np.float32 for array in first.values())


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("hidden", [[], [16], [16, 8]])
def test_forward_equals_the_reference(activation, hidden):
    rng = np.random.default_rng(1)
    spec = network_for("ppo", Layers(tuple(hidden), activation), ObservationSpace((5,)), DISCRETE)
    tensors = random_tensors(spec, rng)
    observations = rng.normal(size=(7, 5)).astype(np.float32)

    outputs = evaluate(spec, tensors, observations)

    for head in ("policy", "value"):
        expected = reference(tensors, head, len(hidden), ACTIVATIONS[activation], observations)
        np.testing.assert_allclose(outputs[head], expected, rtol=1e-4, atol=1e-4)


def test_a_head_takes_other_batch_sizes_and_other_weights():
    rng = np.random.default_rng(2)
    spec = network_for("dqn", Layers((8,), "relu"), ObservationSpace((3,)), DISCRETE)
    first, second = random_tensors(spec, rng), random_tensors(spec, rng)
    forward = HeadForward(spec, "q", first)
    small, large = (rng.normal(size=(n, 3)).astype(np.float32) for n in (2, 9))

    forward(small)
    forward.load(second)
    outputs = forward(large)

    expected = reference(second, "q", 1, ACTIVATIONS["relu"], large)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-4)


def test_loaded_weights_are_copies():
    rng = np.random.default_rng(3)
    spec = network_for("dqn", Layers((8,), "relu"), ObservationSpace((3,)), DISCRETE)
    tensors = random_tensors(spec, rng)
    forward = HeadForward(spec, "q", tensors)
    observations = rng.normal(size=(2, 3)).astype(np.float32)
    before = forward(observations).copy()

    for array in tensors.values():
        array[...] = 0.0

    assert np.array_equal(forward(observations), before)


def test_weights_of_another_network_are_refused_by_name():
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)
    wider = network_for("ppo", Layers((16,)), SHOWN, DISCRETE).init(np.random.default_rng(0))
    fewer = {name: a for name, a in spec.init(np.random.default_rng(0)).items() if name != "policy/0/bias"}

    with pytest.raises(SchemaMismatchError, match=r"policy/0/weight.shape: got \(16, 4\)"):
        HeadForward(spec, "policy", wider)
    with pytest.raises(SchemaMismatchError, match="policy/0/bias"):
        HeadForward(spec, "policy", fewer)


def test_acting_needs_the_tensors_of_its_head_alone():
    spec = network_for("external", Layers((8,)), SHOWN, DISCRETE)
    tensors = {**spec.init(np.random.default_rng(0)), "critic/weight": np.zeros((1, 4), np.float32)}

    outputs = HeadForward(spec, "policy", tensors)(np.zeros((1, 4), np.float32))

    assert outputs.shape == (1, 3)


def test_the_spec_as_json_values_names_its_parts():
    values = NetworkSpec(SHOWN, Layers((8,)), (("policy", 2), ("value", 1))).to_dict()

    assert values == {
        "observation_size": 4,
        "hidden": [8],
        "activation": "tanh",
        "heads": [["policy", 2], ["value", 1]],
        "has_log_std": False,
    }
