"""Networks evaluated in NumPy: the oracle of every other evaluation, and what needs nothing built."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from heronry.maths.activations import ACTIVATIONS
from heronry.maths.convolutions import Convolution
from heronry.maths.network_spec import Layers, NetworkSpec, Tensors, orthogonal
from heronry.maths.recurrence import RecurrentUnit
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

__all__ = [
    "ACTIVATIONS", "Convolution", "HeadForward", "Layers", "NetworkSpec", "RecurrentForward", "Tensors",
    "evaluate", "network_for", "orthogonal",
]  # fmt: skip

_HEADS = {"ppo": ("policy", "value"), "external": ("policy",), "dqn": ("q",)}


class _OneHead:
    """What stands before a head's outputs, and the layer that makes them."""

    def __init__(self, spec: NetworkSpec, head: str, tensors: Tensors) -> None:
        self._torso = _Torso(spec, head)
        self._head = _Dense([f"{head}/head"], last=None)
        self._spec = spec
        self._name = head
        self.load(tensors)

    def load(self, tensors: Tensors) -> None:
        """Take other weights; they are copied, transposed so that a product reads them in order.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        self._spec.check(tensors, self._name)
        self._torso.load(tensors)
        self._head.load(tensors)


class HeadForward(_OneHead):
    """One head of a network without memory, in preallocated work arrays; for one thread at a time."""

    def __init__(self, spec: NetworkSpec, head: str, tensors: Tensors) -> None:
        if spec.layers.recurrent:
            raise InvalidArgumentError.of("network.recurrent", spec.layers.recurrent, "0: it keeps no states")
        super().__init__(spec, head, tensors)

    def __call__(self, observations: Array) -> FloatArray:
        """Return the outputs `[B, n]` for observations `[B, ...]`; the array is written over by the next call."""
        return self._head(self._torso(observations))


class RecurrentForward(_OneHead):
    """One head of a network with memory; whoever calls keeps the states. For one thread at a time."""

    def __init__(self, spec: NetworkSpec, head: str, tensors: Tensors) -> None:
        memory = spec.memory(head)
        if memory is None:
            raise InvalidArgumentError.of("network.recurrent", 0, "at least 1")
        self._prefix, self.width, _ = memory
        super().__init__(spec, head, tensors)

    def load(self, tensors: Tensors) -> None:
        """Take other weights, of the memory too; they are copied.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        super().load(tensors)
        self._unit = RecurrentUnit(self._prefix, self.width, tensors)

    def first_states(self, num_lanes: int) -> FloatArray:
        """Return the states `[N, width]` that episodes begin with: zeros."""
        return np.zeros((num_lanes, self.width), np.float32)

    def __call__(self, observations: Array, states: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return outputs `[B, n]` and the states `[B, width]` that follow; the states given are not changed."""
        following = self._unit(self._torso(observations), states)
        return self._head(following), following


class _Layer(Protocol):
    def load(self, tensors: Tensors) -> None: ...
    def __call__(self, values: FloatArray) -> FloatArray: ...


class _Dense:
    """Fully connected layers; `last` is the activation after each."""

    def __init__(self, prefixes: Sequence[str], last: str | None) -> None:
        self._prefixes = prefixes
        self._activate = ACTIVATIONS[last] if last else None
        self._layers: list[tuple[FloatArray, FloatArray]] = []
        self._work: list[FloatArray] = []

    def load(self, tensors: Tensors) -> None:
        self._layers = [
            (np.ascontiguousarray(tensors[f"{p}/weight"].T, np.float32), tensors[f"{p}/bias"].astype(np.float32))
            for p in self._prefixes
        ]

    def __call__(self, values: FloatArray) -> FloatArray:
        if self._layers and (not self._work or len(self._work[0]) != len(values)):
            self._work = [np.empty((len(values), len(bias)), np.float32) for _, bias in self._layers]
        for (weight, bias), out in zip(self._layers, self._work, strict=True):
            values = np.matmul(values, weight, out=out)
            np.add(values, bias, out=values)
            if self._activate is not None:
                self._activate(values)
        return values


class _Convolutions:
    def __init__(self, spec: NetworkSpec, head: str) -> None:
        self._stages = spec.convolutions(head)
        self._shape = spec.observations.shape
        self._activate = ACTIVATIONS[spec.activation]
        self._weights: list[tuple[FloatArray, FloatArray]] = []

    def load(self, tensors: Tensors) -> None:
        self._weights = [
            (
                np.ascontiguousarray(tensors[f"{p}/weight"].reshape(c.channels, -1).T, np.float32),
                tensors[f"{p}/bias"].astype(np.float32),
            )
            for p, c, _ in self._stages
        ]

    def __call__(self, values: FloatArray) -> FloatArray:
        values = values.reshape(len(values), *self._shape)
        for (_, convolution, _), weights in zip(self._stages, self._weights, strict=True):
            values = convolution(values, *weights)
            self._activate(values)
        return values.reshape(len(values), -1)


class _Torso:
    """Everything before a head, or before the memory of one."""

    def __init__(self, spec: NetworkSpec, head: str) -> None:
        *hidden, _ = spec.dense_layers(head)
        dense = _Dense([prefix for prefix, _ in hidden], spec.activation)
        self._inputs = spec.inputs
        self._layers: list[_Layer] = [_Convolutions(spec, head), dense] if spec.layers.convolutions else [dense]

    def load(self, tensors: Tensors) -> None:
        for layer in self._layers:
            layer.load(tensors)

    def __call__(self, observations: Array) -> FloatArray:
        values = self._inputs(observations)
        for layer in self._layers:
            values = layer(values)
        return values


def evaluate(spec: NetworkSpec, tensors: Tensors, observations: Array) -> dict[str, FloatArray]:
    """Return the outputs `[B, n]` of every head for observations `[B, ...]`."""
    return {head: HeadForward(spec, head, tensors)(observations) for head, _ in spec.heads}


def network_for(
    algorithm: str, layers: Layers, observation_space: ObservationSpace, action_space: ActionSpace
) -> NetworkSpec:
    """Return the network that an algorithm learns on these spaces.

    PPO has heads `policy` (logits, or means with `policy/log_std`) and `value`; DQN has `q`; what
    an external learner trains has `policy`, and whatever else it registers is its own affair.

    Raises:
      InvalidArgumentError: the algorithm is unknown, does not take this action space or these
        layers, or the layers do not fit the observations.
    """
    if algorithm not in _HEADS:
        raise InvalidArgumentError.of("algorithm.name", algorithm, ", ".join(_HEADS))
    if algorithm == "dqn" and action_space.kind != "discrete":
        are = "continuous" if action_space.is_continuous else "several choices at once (multi_discrete)"
        raise InvalidArgumentError.of("algorithm.name", algorithm, f"ppo, for the environment's actions are {are}")
    if layers.recurrent and algorithm != "external":
        allowed = f"0 with algorithm {algorithm!r}, which does not learn through time; external takes it"
        raise InvalidArgumentError.of("network.recurrent", layers.recurrent, allowed)
    outputs = tuple((head, 1 if head == "value" else action_space.size) for head in _HEADS[algorithm])
    return NetworkSpec(observation_space, layers, outputs, action_space.is_continuous, action_space.nvec)
