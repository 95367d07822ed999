"""What evaluates a policy: NumPy, the native loops, memory; and how one is chosen."""

import numpy as np
import pytest

from heronry.maths import forward_backends
from heronry.maths.forward_backends import MAX_NATIVE_PRODUCTS, choose_backend, make_forward
from heronry.maths.native_forward import NativeForward
from heronry.maths.networks import Convolution, HeadForward, Layers, RecurrentForward, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native import BACKEND
from heronry.types.errors import ConfigurationError, InvalidArgumentError, SchemaMismatchError

SHOWN = ObservationSpace((4,))
FLAGS = ObservationSpace((10, 10, 4), "uint8", high=1)
PICTURES = ObservationSpace((12, 9, 3), "uint8")
DISCRETE = ActionSpace("discrete", num_actions=3)
CONVOLUTIONAL = Layers((16,), "relu", (Convolution(5), Convolution(4, kernel=2, stride=2)))


def random_tensors(spec, seed=0):
    rng = np.random.default_rng(seed)
    return {name: (0.3 * rng.normal(size=shape)).astype(np.float32) for name, shape in spec.shapes().items()}


def observations_of(space, num_rows):
    rng = np.random.default_rng(1)
    if space.element_type == "float32":
        return rng.normal(size=(num_rows, *space.shape)).astype(np.float32)
    return rng.integers(0, space.high + 1, (num_rows, *space.shape)).astype(np.uint8)


def convolved(pictures, weight, bias, stride):
    """Return the sums window by window, in float64."""
    kernel = weight.shape[1]
    rows, columns = ((n - kernel) // stride + 1 for n in pictures.shape[1:3])
    out = np.empty((len(pictures), rows, columns, len(weight)))
    for y in range(rows):
        for x in range(columns):
            window = pictures[:, y * stride : y * stride + kernel, x * stride : x * stride + kernel]
            out[:, y, x] = np.tensordot(window, weight.astype(np.float64), axes=([1, 2, 3], [1, 2, 3])) + bias
    return out


@pytest.mark.parametrize("space", [FLAGS, PICTURES])
def test_convolutions_equal_the_float64_reference(space):
    spec = network_for("dqn", CONVOLUTIONAL, space, DISCRETE)
    t = random_tensors(spec)
    observations = observations_of(space, 3)

    outputs = HeadForward(spec, "q", t)(observations)

    values = observations.astype(np.float64) / space.high
    for i, stride in enumerate((1, 2)):
        sums = convolved(values, t[f"q/convolution_{i}/weight"], t[f"q/convolution_{i}/bias"], stride)
        values = np.maximum(sums, 0.0)
    hidden = np.maximum(values.reshape(3, -1) @ t["q/0/weight"].T + t["q/0/bias"], 0.0)
    np.testing.assert_allclose(outputs, hidden @ t["q/head/weight"].T + t["q/head/bias"], atol=1e-5)


@pytest.mark.parametrize(
    ("layers", "space"),
    [(Layers(), SHOWN), (Layers((8,), "elu"), SHOWN), (CONVOLUTIONAL, FLAGS), (CONVOLUTIONAL, PICTURES)],
)
def test_the_native_forward_equals_numpy(layers, space):
    spec = network_for("ppo", layers, space, DISCRETE)
    tensors = random_tensors(spec)
    observations = observations_of(space, 21)

    outputs = NativeForward(spec, "policy", tensors)(observations)

    np.testing.assert_allclose(outputs, HeadForward(spec, "policy", tensors)(observations), atol=1e-5)


def test_the_native_forward_takes_other_weights_and_refuses_another_networks():
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)
    first, second = random_tensors(spec), random_tensors(spec, 1)
    forward = NativeForward(spec, "policy", first)
    observations = observations_of(SHOWN, 5)

    forward.load(second)

    np.testing.assert_allclose(forward(observations), HeadForward(spec, "policy", second)(observations), atol=1e-5)
    with pytest.raises(SchemaMismatchError, match=r"policy/0/bias"):
        forward.load({name: a for name, a in first.items() if name != "policy/0/bias"})


@pytest.mark.parametrize(("backend", "kind"), [("numpy", HeadForward), ("native", NativeForward)])
def test_a_backend_is_made_by_its_name(backend, kind):
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)

    assert isinstance(make_forward(backend, spec, "policy", random_tensors(spec)), kind)


def test_small_networks_act_natively_and_large_ones_with_torch_where_it_is(monkeypatch):
    small = network_for("ppo", Layers(), SHOWN, DISCRETE)
    large = network_for("ppo", Layers((2048, 2048)), SHOWN, DISCRETE)
    assert large.num_products("policy") > MAX_NATIVE_PRODUCTS

    monkeypatch.setattr(forward_backends.importlib.util, "find_spec", lambda name: object())
    assert choose_backend("auto", small, "policy") == BACKEND
    assert choose_backend("auto", large, "policy") == "torch"
    assert choose_backend("auto", small, "policy", "cuda") == "torch"
    monkeypatch.setattr(forward_backends.importlib.util, "find_spec", lambda name: None)
    assert choose_backend("auto", large, "policy") == BACKEND
    with pytest.raises(ConfigurationError, match=r"fleet\.policy: got 'torch'.*heronry\[learn\]"):
        make_forward("torch", small, "policy", random_tensors(small))


def test_what_there_is_not_is_refused_by_name():
    spec = network_for("ppo", Layers((8,)), SHOWN, DISCRETE)

    with pytest.raises(
        ConfigurationError, match=r"fleet\.policy: got 'jax', allowed: auto, numpy, native, torch, agent"
    ):
        make_forward("jax", spec, "policy", random_tensors(spec))
    with pytest.raises(
        ConfigurationError, match=r"fleet\.device: got 'cuda', allowed: cpu or auto with fleet\.policy 'native'"
    ):
        make_forward("native", spec, "policy", random_tensors(spec), "cuda")


def recurrent(width=6):
    spec = network_for("external", Layers((5,), recurrent=width), SHOWN, DISCRETE)
    tensors = random_tensors(spec)
    return spec, tensors, RecurrentForward(spec, "policy", tensors)


def test_memory_follows_the_equations_of_the_gated_recurrent_unit():
    _, t, forward = recurrent()
    observations = observations_of(SHOWN, 7)
    states = np.random.default_rng(2).normal(size=(7, 6)).astype(np.float32)
    before = states.copy()

    outputs, following = forward(observations, states)

    hidden = np.tanh(observations.astype(np.float64) @ t["policy/0/weight"].T + t["policy/0/bias"])
    of_input = hidden @ t["policy/recurrent/input_weight"].T + t["policy/recurrent/input_bias"]
    of_state = states.astype(np.float64) @ t["policy/recurrent/state_weight"].T + t["policy/recurrent/state_bias"]
    reset, update = (1 / (1 + np.exp(-(of_input + of_state)[:, 6 * i : 6 * i + 6])) for i in range(2))
    candidate = np.tanh(of_input[:, 12:] + reset * of_state[:, 12:])
    expected = (1 - update) * candidate + update * states
    np.testing.assert_allclose(following, expected, atol=1e-5)
    np.testing.assert_allclose(outputs, expected @ t["policy/head/weight"].T + t["policy/head/bias"], atol=1e-5)
    np.testing.assert_array_equal(states, before)


def test_episodes_begin_without_memory():
    _, _, forward = recurrent()

    assert np.all(forward.first_states(3) == 0.0)
    assert forward.first_states(3).shape == (3, 6)


def test_a_network_without_memory_keeps_no_states_and_the_other_way_round():
    spec, tensors, _ = recurrent()
    plain = network_for("external", Layers((5,)), SHOWN, DISCRETE)

    with pytest.raises(InvalidArgumentError, match=r"network\.recurrent"):
        NativeForward(spec, "policy", tensors)
    with pytest.raises(InvalidArgumentError, match=r"network\.recurrent"):
        RecurrentForward(plain, "policy", random_tensors(plain))
