"""Multilayer perceptrons as named float32 arrays: how they are initialised and evaluated.

Each head has hidden layers of its own. The tensors of head `policy` with two hidden layers are, in
this order, `policy/0/weight` [out, in], `policy/0/bias` [out], `policy/1/weight`, `policy/1/bias`,
`policy/head/weight`, `policy/head/bias`; a Gaussian policy ends with `policy/log_std` [actions].
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heronry.maths.spaces import ActionSpace
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array, FloatArray

Tensors = Mapping[str, Array]
Activation = Callable[[FloatArray], None]

# Gains of the last layers: near-zero logits make the first policy almost uniform, whatever the
# observation; hidden layers and other heads keep the scale of their inputs.
# Source: Huang et al. 2022, "The 37 Implementation Details of Proximal Policy Optimization", detail 2.
_HIDDEN_GAIN = float(np.sqrt(2.0))
_HEAD_GAINS = {"policy": 0.01, "value": 1.0, "q": 1.0}


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


@dataclass(frozen=True)
class MlpSpec:
    """The shape of a network.

    Attributes:
      observation_size: inputs, the flattened observation.
      hidden: width of each hidden layer, of every head.
      activation: `tanh`, `relu` or `elu`, after each hidden layer.
      heads: name and outputs of each head, in the order of their tensors.
      has_log_std: whether `policy/log_std` belongs to it: a diagonal Gaussian policy.
    """

    observation_size: int
    hidden: tuple[int, ...]
    activation: str
    heads: tuple[tuple[str, int], ...]
    has_log_std: bool = False

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise InvalidArgumentError.of("network.activation", self.activation, ", ".join(ACTIVATIONS))
        if any(width < 1 for width in self.hidden):
            raise InvalidArgumentError.of("network.hidden", list(self.hidden), "widths of at least 1")
        unknown = [name for name, _ in self.heads if name not in _HEAD_GAINS]
        if unknown:
            raise InvalidArgumentError.of("network.heads", unknown, ", ".join(_HEAD_GAINS))

    def layers(self, head: str) -> list[tuple[str, tuple[int, int]]]:
        """Return prefix and weight shape of each layer of a head."""
        widths = (self.observation_size, *self.hidden)
        hidden = [(f"{head}/{i}", (widths[i + 1], widths[i])) for i in range(len(self.hidden))]
        return [*hidden, (f"{head}/head", (dict(self.heads)[head], widths[-1]))]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, in their order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for head, num_outputs in self.heads:
            for prefix, (rows, columns) in self.layers(head):
                shapes[f"{prefix}/weight"] = (rows, columns)
                shapes[f"{prefix}/bias"] = (rows,)
            if head == "policy" and self.has_log_std:
                shapes["policy/log_std"] = (num_outputs,)
        return shapes

    def init(self, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Return fresh tensors: orthogonal weights, zero biases, unit standard deviations."""
        tensors: dict[str, FloatArray] = {n: np.zeros(s, np.float32) for n, s in self.shapes().items()}
        for head, _ in self.heads:
            for prefix, (rows, columns) in self.layers(head):
                gain = _HEAD_GAINS[head] if prefix.endswith("/head") else _HIDDEN_GAIN
                tensors[f"{prefix}/weight"] = orthogonal(rows, columns, gain, rng)
        return tensors

    def check(self, tensors: Tensors, head: str = "") -> None:
        """Refuse tensors of another network; with `head`, look at that head's alone.

        Raises:
          SchemaMismatchError: a name is missing, or a shape differs.
        """
        prefix = f"{head}/" if head else ""
        for name, shape in self.shapes().items():
            if not name.startswith(prefix):
                continue
            if name not in tensors:
                raise SchemaMismatchError.of("tensors", sorted(tensors), f"a tensor {name!r} of shape {shape}")
            if tensors[name].shape != shape:
                raise SchemaMismatchError.of(f"tensors.{name}.shape", tensors[name].shape, str(shape))

    def forward(self, tensors: Tensors, observations: FloatArray) -> dict[str, FloatArray]:
        """Return the outputs `[B, n]` of every head for flattened observations `[B, size]`."""
        return {head: HeadForward(self, head, tensors)(observations) for head, _ in self.heads}

    def to_dict(self) -> dict[str, object]:
        """Return the spec as JSON values."""
        heads = [[name, size] for name, size in self.heads]
        values = {"observation_size": self.observation_size, "hidden": list(self.hidden), "heads": heads}
        return {**values, "activation": self.activation, "has_log_std": self.has_log_std}


class HeadForward:
    """One head of a network, evaluated in preallocated work arrays; for one thread at a time."""

    def __init__(self, spec: MlpSpec, head: str, tensors: Tensors) -> None:
        self._spec = spec
        self._head = head
        self._activate = ACTIVATIONS[spec.activation]
        self._prefixes = [prefix for prefix, _ in spec.layers(head)]
        self._layers: list[tuple[FloatArray, FloatArray]] = []
        self._work: list[FloatArray] = []
        self.load(tensors)

    def load(self, tensors: Tensors) -> None:
        """Take other weights; they are copied, transposed so that a product reads them in order.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        self._spec.check(tensors, self._head)
        self._layers = [
            (np.ascontiguousarray(tensors[f"{p}/weight"].T, np.float32), tensors[f"{p}/bias"].astype(np.float32))
            for p in self._prefixes
        ]

    def __call__(self, observations: FloatArray) -> FloatArray:
        """Return the outputs `[B, n]`; the array is written over by the next call."""
        work = self._work_for(len(observations))
        values = observations
        last = len(self._layers) - 1
        for i, (weight, bias) in enumerate(self._layers):
            values = np.matmul(values, weight, out=work[i])
            np.add(values, bias, out=values)
            if i < last:
                self._activate(values)
        return values

    def _work_for(self, batch_size: int) -> list[FloatArray]:
        if not self._work or len(self._work[0]) != batch_size:
            self._work = [np.empty((batch_size, len(bias)), np.float32) for _, bias in self._layers]
        return self._work


def network_for(
    algorithm: str, hidden: Sequence[int], activation: str, observation_size: int, action_space: ActionSpace
) -> MlpSpec:
    """Return the network that an algorithm learns on these spaces.

    PPO has heads `policy` (logits, or means with `policy/log_std`) and `value`; DQN has `q`; what
    an external learner trains has `policy`, and whatever else it registers is its own affair.

    Raises:
      InvalidArgumentError: the algorithm is unknown or does not take this action space.
    """
    widths = tuple(int(w) for w in hidden)
    heads = {"ppo": ("policy", "value"), "external": ("policy",), "dqn": ("q",)}
    if algorithm not in heads:
        raise InvalidArgumentError.of("algorithm.name", algorithm, ", ".join(heads))
    if algorithm == "dqn" and action_space.is_continuous:
        raise InvalidArgumentError.of("algorithm.name", algorithm, "ppo, for the environment's actions are continuous")
    outputs = tuple((head, 1 if head == "value" else action_space.size) for head in heads[algorithm])
    has_log_std = action_space.is_continuous
    return MlpSpec(observation_size, widths, activation, outputs, has_log_std)


def orthogonal(rows: int, columns: int, gain: float, rng: np.random.Generator) -> FloatArray:
    """Return `gain` times a `[rows, columns]` matrix whose shorter side is orthonormal.

    Source: Saxe et al. 2013, "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks".
    """
    normal = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    # The signs of r's diagonal make the factorisation unique, hence q uniform over rotations.
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray(gain * (q if rows >= columns else q.T), np.float32)
