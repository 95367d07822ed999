"""One suite over both twins of policy networks."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.native import MAX_TANH_ERROR, NetworkShape, make_network
from heronry.native.backend import Loops

ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0.0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0.0))),
}
MINATAR = NetworkShape((10, 10, 4), [(16, 3, 1)], [32, 6], "relu", 1.0)
# Windows that lie over each other, and windows with gaps between them, of lines that fill no whole vectors.
PICTURES = [
    NetworkShape((17, 13, 3), [(5, 5, 2), (6, 2, 1)], [4], "relu", 1.0 / 255.0),
    NetworkShape((15, 11, 2), [(9, 3, 5)], [4], "relu", 1.0 / 255.0),
]


def layer_shapes(shape: NetworkShape) -> list[tuple[int, ...]]:
    """Return each weight's shape, by the rules that the face states."""
    height, width, channels = shape.picture
    shapes: list[tuple[int, ...]] = []
    for outputs, kernel, stride in shape.convolutions:
        shapes.append((outputs, kernel, kernel, channels))
        height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, outputs
    widths = [height * width * channels, *shape.widths]
    return [*shapes, *((rows, columns) for columns, rows in pairwise(widths))]


def random_weights(shape: NetworkShape, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    scaled = [(s, 1.0 / np.sqrt(np.prod(s[1:]))) for s in layer_shapes(shape)]
    return [
        ((rng.normal(size=s) * scale).astype(np.float32), rng.normal(size=s[0]).astype(np.float32))
        for s, scale in scaled
    ]


def packed(layers: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.concatenate([part.reshape(-1) for layer in layers for part in layer])


def network_of(loops: Loops, shape: NetworkShape, seed: int = 0):
    network = make_network(shape, loops=loops)
    network.load(packed(random_weights(shape, seed)))
    return network


def outputs_of(network, shape: NetworkShape, observations: np.ndarray) -> np.ndarray:
    outputs = np.empty((len(observations), shape.widths[-1]), np.float32)
    network.evaluate(observations, outputs)
    return outputs


def reference(shape: NetworkShape, observations: np.ndarray, seed: int = 0) -> np.ndarray:
    """Evaluate in float64 by the definitions, window by window."""
    layers = [(w.astype(np.float64), b.astype(np.float64)) for w, b in random_weights(shape, seed)]
    values = observations.astype(np.float64).reshape(len(observations), *shape.picture)
    if observations.dtype == np.uint8:
        values = values * shape.byte_scale
    for (_, kernel, stride), (weight, bias) in zip(shape.convolutions, layers, strict=False):
        places = [range(0, n - kernel + 1, stride) for n in values.shape[1:3]]
        windows = [[values[:, y : y + kernel, x : x + kernel] for x in places[1]] for y in places[0]]
        sums = [[np.tensordot(w, weight, axes=([1, 2, 3], [1, 2, 3])) + bias for w in row] for row in windows]
        values = ACTIVATIONS[shape.activation](np.moveaxis(np.array(sums), 2, 0))
    values = values.reshape(len(observations), -1)
    *hidden, (weight, bias) = layers[len(shape.convolutions) :]
    for w, b in hidden:
        values = ACTIVATIONS[shape.activation](values @ w.T + b)
    return values @ weight.T + bias


def random_observations(shape: NetworkShape, num_rows: int, *, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (3.0 * rng.normal(size=(num_rows, *shape.picture))).astype(np.float32)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("widths", [[3], [7, 2], [64, 64, 2], [15, 13, 11]])
def test_outputs_are_those_of_the_float64_reference(loops: Loops, activation: str, widths: list[int]) -> None:
    shape = NetworkShape((1, 1, 5), [], widths, activation)
    observations = random_observations(shape, 19)

    outputs = outputs_of(network_of(loops, shape), shape, observations)

    np.testing.assert_allclose(outputs, reference(shape, observations), atol=1e-5)


def test_convolutions_of_flags_are_those_of_the_float64_reference(loops: Loops) -> None:
    flags = np.random.default_rng(2).integers(0, 2, (5, 10, 10, 4)).astype(np.uint8)

    outputs = outputs_of(network_of(loops, MINATAR), MINATAR, flags)

    np.testing.assert_allclose(outputs, reference(MINATAR, flags), atol=1e-5)


def test_strides_and_pictures_that_are_not_square_are_taken(loops: Loops) -> None:
    shape = NetworkShape((11, 8, 3), [(5, 3, 2), (6, 2, 1)], [4], "tanh", 1.0 / 255.0)
    pictures = np.random.default_rng(3).integers(0, 256, (3, 11, 8, 3)).astype(np.uint8)

    outputs = outputs_of(network_of(loops, shape), shape, pictures)

    np.testing.assert_allclose(outputs, reference(shape, pictures), atol=1e-5)


def test_tanh_is_as_near_as_stated(loops: Loops) -> None:
    shape = NetworkShape((1, 1, 1), [], [1, 1], "tanh")
    network = make_network(shape, loops=loops)
    network.load(np.array([1.0, 0.0, 1.0, 0.0], np.float32))
    x = np.concatenate([np.linspace(-12, 12, 4801), [0.0, 1e-30, -1e-6, 100.0, -3e38]]).astype(np.float32)

    outputs = outputs_of(network, shape, x[:, None])[:, 0]

    assert np.max(np.abs(outputs - np.tanh(x.astype(np.float64)))) <= MAX_TANH_ERROR
    assert np.max(np.abs(outputs)) <= 1.0


@pytest.mark.parametrize("type_of_numbers", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", PICTURES)
def test_pictures_have_the_bits_of_each_alone_and_of_the_other_twin(
    twins: list[Loops], shape: NetworkShape, type_of_numbers: type
) -> None:
    pictures = np.random.default_rng(4).integers(0, 256, (19, *shape.picture)).astype(type_of_numbers)

    native, numpy = (outputs_of(network_of(loops, shape), shape, pictures) for loops in twins)

    np.testing.assert_array_equal(native.view(np.uint32), numpy.view(np.uint32))
    network = network_of(twins[0], shape)
    alone = [outputs_of(network, shape, pictures[row : row + 1])[0] for row in range(len(pictures))]
    np.testing.assert_array_equal(np.array(alone).view(np.uint32), native.view(np.uint32))


@given(num_rows=st.integers(1, 40), seed=st.integers(0, 2**20))
@settings(max_examples=20, deadline=None)
def test_a_row_has_the_same_bits_whatever_rows_are_beside_it(loops: Loops, num_rows: int, seed: int) -> None:
    shape = NetworkShape((1, 1, 4), [], [16, 3], "tanh")
    network = network_of(loops, shape)
    observations = random_observations(shape, num_rows, seed=seed)

    together = outputs_of(network, shape, observations)

    for row in {0, num_rows // 2, num_rows - 1}:
        alone = outputs_of(network, shape, observations[row : row + 1])
        np.testing.assert_array_equal(alone[0], together[row])


@pytest.mark.parametrize("shape", [NetworkShape((1, 1, 6), [], [9, 5], a) for a in ACTIVATIONS] + [MINATAR])
def test_both_twins_have_the_same_bits(twins: list[Loops], shape: NetworkShape) -> None:
    observations = random_observations(shape, 17)

    native, numpy = (outputs_of(network_of(loops, shape), shape, observations) for loops in twins)

    np.testing.assert_array_equal(native.view(np.uint32), numpy.view(np.uint32))


def test_loaded_weights_are_copies(loops: Loops) -> None:
    shape = NetworkShape((1, 1, 2), [], [2], "tanh")
    weights = np.arange(6, dtype=np.float32)
    network = make_network(shape, loops=loops)
    network.load(weights)
    before = outputs_of(network, shape, np.ones((1, 2), np.float32))

    weights[:] = 0.0

    np.testing.assert_array_equal(outputs_of(network, shape, np.ones((1, 2), np.float32)), before)


def test_what_does_not_fit_is_refused(loops: Loops) -> None:
    shape = NetworkShape((1, 1, 2), [], [3], "tanh")
    network = make_network(shape, loops=loops)
    outputs = np.empty((4, 3), np.float32)

    with pytest.raises(ValueError, match="number of weights"):
        network.load(np.zeros(8, np.float32))
    with pytest.raises(TypeError):
        network.load(np.zeros(9, np.float64))
    with pytest.raises(ValueError, match="observations"):
        network.evaluate(np.zeros((4, 3), np.float32), outputs)
    with pytest.raises(TypeError):
        network.evaluate(np.zeros((4, 2), np.float64), outputs)
    with pytest.raises(ValueError, match="outputs"):
        network.evaluate(np.zeros((4, 2), np.float32), np.empty((4, 2), np.float32))
    with pytest.raises(ValueError, match="window larger"):
        make_network(NetworkShape((4, 4, 1), [(2, 5, 1)], [3], "tanh"), loops=loops)
    with pytest.raises(ValueError, match="activation"):
        make_network(NetworkShape((1, 1, 4), [], [3], "gelu"), loops=loops)
    with pytest.raises(ValueError, match="without outputs"):
        make_network(NetworkShape((1, 1, 4), [], [], "tanh"), loops=loops)
