"""Policy networks in the very operations of the native ones, so that the bits are the same."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from heronry.native.arrays import Array, Floats
from heronry.native.twins.arguments import require

_ONE = np.float32(1.0)
_ROUNDER = np.float32(3 * 2**22)
_TANH_ABOVE = np.array([1.5061879e-08, 2.1773321e-05, 3.5641617e-03, 1.3438196e-01, 1.0], np.float32)
_TANH_BELOW = np.array([8.453698e-07, 3.399188e-04, 2.6136039e-02, 4.6771517e-01, 1.0], np.float32)
_EXP_REST = np.array([_ONE / np.float32(n) for n in (720, 120, 24, 6, 2, 1)], np.float32)
_LOG_2_ABOVE, _LOG_2_BELOW = np.float32(float.fromhex("0x1.62ep-1")), np.float32(float.fromhex("0x1.0bfbe8p-15"))
_LOG2_OF_E = np.float32(1.44269504)


def _polynomial(coefficients: Floats, x: Floats) -> Floats:
    """Return the value by Horner's rule, the highest power first."""
    value: Floats = coefficients[0] * x + coefficients[1]
    for coefficient in coefficients[2:]:
        value = value * x + coefficient
    return value


def _tanh(x: Floats) -> Floats:
    x = np.clip(x, np.float32(-8.0), np.float32(8.0))
    z = x * x
    result: Floats = x * _polynomial(_TANH_ABOVE, z) / _polynomial(_TANH_BELOW, z)
    return result


def _relu(x: Floats) -> Floats:
    return np.where(x > 0, x, np.float32(0.0))


def _elu(x: Floats) -> Floats:
    below = np.clip(x, np.float32(-87.0), np.float32(0.0))
    shifted = below * _LOG2_OF_E + _ROUNDER
    n = shifted - _ROUNDER
    r = (below - n * _LOG_2_ABOVE) - n * _LOG_2_BELOW
    exponent = (shifted.view(np.int32) - _ROUNDER.view(np.int32) + 127) << 23
    below = (_polynomial(_EXP_REST, r) * r + _ONE) * exponent.view(np.float32) - _ONE
    return np.where(x > 0, x, below)


_ACTIVATIONS: Mapping[str, Callable[[Floats], Floats]] = {"tanh": _tanh, "relu": _relu, "elu": _elu}


class PolicyNetwork:
    """One network with its weights."""

    def __init__(
        self,
        picture: tuple[int, int, int],
        convolutions: Sequence[tuple[int, int, int]],
        widths: Sequence[int],
        activation: str,
        byte_scale: float,
    ) -> None:
        if activation not in _ACTIVATIONS:
            raise ValueError("an activation other than tanh, relu and elu")
        if not widths or min(widths) < 1:
            raise ValueError("layers without outputs")
        self._activate = _ACTIVATIONS[activation]
        self._picture = picture
        self._convolutions = list(convolutions)
        self._byte_scale = np.float32(byte_scale)
        shapes, num_numbers = self._convolution_shapes()
        self._shapes = [*shapes, *zip(widths, (num_numbers, *widths), strict=False)]
        self._layers: list[tuple[Floats, Floats]] = []
        self.load(np.zeros(sum(rows * columns + rows for rows, columns in self._shapes), np.float32))

    def load(self, weights: Floats) -> None:
        """Take weights, in one vector."""
        require(weights=(weights, np.float32))
        if weights.shape != (sum(rows * columns + rows for rows, columns in self._shapes),):
            raise ValueError("another number of weights than the network's")
        self._layers, first = [], 0
        for rows, columns in self._shapes:
            end = first + rows * columns
            self._layers.append((weights[first:end].reshape(rows, columns).T.copy(), weights[end : end + rows].copy()))
            first = end + rows

    def evaluate(self, observations: Array, outputs: Floats) -> None:
        """Fill `outputs` for observations."""
        require(observations=(observations, observations.dtype), outputs=(outputs, np.float32))
        if observations.dtype not in (np.float32, np.uint8):
            raise TypeError("observations of another type than float32 and uint8")
        if outputs.shape[1] != self._shapes[-1][0]:
            raise ValueError("another number of outputs than the network's")
        if observations.size != len(outputs) * int(np.prod(self._picture)):
            raise ValueError("observations of another shape than the network's")
        values: Floats = observations.reshape(len(outputs), *self._picture).astype(np.float32)
        if observations.dtype == np.uint8:
            values *= self._byte_scale
        for (_, kernel, stride), layer in zip(self._convolutions, self._layers, strict=False):
            values = self._activate(_sums(_windows(values, kernel, stride), *layer))
        values = values.reshape(len(outputs), -1)
        *hidden, head = self._layers[len(self._convolutions) :]
        for layer in hidden:
            values = self._activate(_sums(values, *layer))
        outputs[...] = _sums(values, *head)

    def _convolution_shapes(self) -> tuple[Sequence[tuple[int, int]], int]:
        shapes = []
        height, width, channels = self._picture
        if min(self._picture) < 1:
            raise ValueError("observations without elements")
        for outputs, kernel, stride in self._convolutions:
            if min(outputs, kernel, stride) < 1:
                raise ValueError("a convolution without outputs, window or stride")
            if kernel > min(height, width):
                raise ValueError("a window larger than its picture")
            shapes.append((outputs, kernel * kernel * channels))
            height, width, channels = (height - kernel) // stride + 1, (width - kernel) // stride + 1, outputs
        return shapes, height * width * channels


def make_network(
    picture: tuple[int, int, int],
    convolutions: Sequence[tuple[int, int, int]],
    widths: Sequence[int],
    activation: str,
    byte_scale: float,
) -> PolicyNetwork:
    """Return a network whose weights are zeros."""
    return PolicyNetwork(picture, convolutions, widths, activation, byte_scale)


def _windows(values: Floats, kernel: int, stride: int) -> Floats:
    """Return the windows `[N, y, x, kernel * kernel * channels]` of pictures `[N, height, width, channels]`."""
    windows = np.lib.stride_tricks.sliding_window_view(values, (kernel, kernel), axis=(1, 2))
    windows = windows[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)
    return np.ascontiguousarray(windows).reshape(*windows.shape[:3], -1)


def _sums(values: Floats, weight: Floats, bias: Floats) -> Floats:
    """Return values `[..., in]` times weight `[in, out]` plus bias, each sum in the order of its inputs."""
    total: Floats = np.zeros((*values.shape[:-1], len(bias)), np.float32)
    for i, row in enumerate(weight):
        total += values[..., i, None] * row
    return total + bias
