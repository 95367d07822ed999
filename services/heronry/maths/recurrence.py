"""A gated recurrent unit: the memory of a policy.

Its tensors are, behind a prefix, `input_weight` [3n, in], `state_weight` [3n, n], `input_bias` [3n]
and `state_bias` [3n]; their thirds belong to the reset gate, the update gate and the candidate.
"""

from collections.abc import Mapping

import numpy as np

from heronry.types.tensors import Array, FloatArray


def recurrent_shapes(prefix: str, width: int, num_inputs: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a unit, in their order."""
    return {
        f"{prefix}/input_weight": (3 * width, num_inputs),
        f"{prefix}/state_weight": (3 * width, width),
        f"{prefix}/input_bias": (3 * width,),
        f"{prefix}/state_bias": (3 * width,),
    }


class RecurrentUnit:
    """One unit with its weights; `B` batch, `n` its width.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", section 2.3,
    with the reset gate applied after the state's product, so that both products of a step are one each.
    """

    def __init__(self, prefix: str, width: int, tensors: Mapping[str, Array]) -> None:
        self._width = width
        self._input_weight = np.ascontiguousarray(tensors[f"{prefix}/input_weight"].T, np.float32)
        self._state_weight = np.ascontiguousarray(tensors[f"{prefix}/state_weight"].T, np.float32)
        self._input_bias = tensors[f"{prefix}/input_bias"].astype(np.float32)
        self._state_bias = tensors[f"{prefix}/state_bias"].astype(np.float32)

    def __call__(self, inputs: FloatArray, states: FloatArray) -> FloatArray:
        """Return the states `[B, n]` after inputs `[B, in]`; they are the unit's outputs too."""
        n = self._width
        of_input = inputs @ self._input_weight + self._input_bias
        of_state = states @ self._state_weight + self._state_bias
        gates = _logistic(of_input[:, : 2 * n] + of_state[:, : 2 * n])
        reset, update = gates[:, :n], gates[:, n:]
        candidate = np.tanh(of_input[:, 2 * n :] + reset * of_state[:, 2 * n :])
        following: FloatArray = candidate + update * (states - candidate)
        return following


def _logistic(x: FloatArray) -> FloatArray:
    # By tanh, which cannot overflow.
    result: FloatArray = np.float32(0.5) * np.tanh(np.float32(0.5) * x) + np.float32(0.5)
    return result
