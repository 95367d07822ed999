"""Nonlinearities of hidden layers, applied in place."""

from collections.abc import Callable, Mapping

import numpy as np

from heronry.types.tensors import FloatArray

Activation = Callable[[FloatArray], None]


def _tanh(x: FloatArray) -> None:
    np.tanh(x, out=x)


def _relu(x: FloatArray) -> None:
    np.maximum(x, np.float32(0.0), out=x)


def _elu(x: FloatArray) -> None:
    # expm1 of the negative part alone: it is 0 where x > 0, and cannot overflow.
    negative = np.expm1(np.minimum(x, np.float32(0.0)))
    np.maximum(x, np.float32(0.0), out=x)
    np.add(x, negative, out=x)


ACTIVATIONS: Mapping[str, Activation] = {"tanh": _tanh, "relu": _relu, "elu": _elu}
