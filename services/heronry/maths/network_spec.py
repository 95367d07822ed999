"""The shape of a network: its tensors by name, and how they begin.

Each head has layers of its own. The tensors of head `policy` with one convolution and two hidden
layers are, in this order, `policy/convolution_0/weight` [out, kernel, kernel, in],
`policy/convolution_0/bias` [out], `policy/0/weight` [out, in], `policy/0/bias` [out],
`policy/1/weight`, `policy/1/bias`, `policy/head/weight`, `policy/head/bias`. A policy with memory
has the tensors of `heronry.maths.recurrence` before its head; a Gaussian one ends with
`policy/log_std` [actions].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, cast

import numpy as np

from heronry.maths.activations import ACTIVATIONS
from heronry.maths.convolutions import Convolution, Picture
from heronry.maths.recurrence import recurrent_shapes
from heronry.maths.spaces import ObservationSpace, flatten_observations
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array, FloatArray

Tensors = Mapping[str, Array]

# Gains of the last layers: near-zero logits make the first policy almost uniform, whatever the
# observation; hidden layers and other heads keep the scale of their inputs.
# Source: Huang et al. 2022, "The 37 Implementation Details of Proximal Policy Optimization", detail 2.
_HIDDEN_GAIN = float(np.sqrt(2.0))
_HEAD_GAINS = {"policy": 0.01, "value": 1.0, "q": 1.0}


@dataclass(frozen=True)
class Layers:
    """What a run chooses of its network: everything but what the spaces decide.

    Attributes:
      hidden: width of each hidden layer, of every head.
      activation: `tanh`, `relu` or `elu`, after each convolution and hidden layer.
      convolutions: before the hidden layers; none: observations are flattened.
      recurrent: width of a gated recurrent unit before the head; 0: no memory.
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: str = "tanh"
    convolutions: tuple[Convolution, ...] = ()
    recurrent: int = 0

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise InvalidArgumentError.of("network.activation", self.activation, ", ".join(ACTIVATIONS))
        if any(width < 1 for width in self.hidden):
            raise InvalidArgumentError.of("network.hidden", list(self.hidden), "widths of at least 1")

    @classmethod
    def of_dict(cls, values: Mapping[str, object]) -> Self:
        """Read what `to_dict` returned, or a run spec's section `network` as plain values.

        Raises:
          InvalidArgumentError: `hidden` is no list.
        """
        hidden = values["hidden"]
        if not isinstance(hidden, Sequence):
            raise InvalidArgumentError.of("network.hidden", hidden, "a list of widths")
        convolutions = cast(Sequence[Mapping[str, object]], values.get("convolution") or ())
        return cls(
            tuple(int(w) for w in hidden),
            str(values["activation"]),
            tuple(Convolution(**{name: _integer(c[name]) for name in c}) for c in convolutions),
            _integer(values.get("recurrent") or 0),
        )

    def to_dict(self) -> dict[str, object]:
        """Return JSON values; what a plain network lacks is left out."""
        values: dict[str, object] = {"hidden": list(self.hidden), "activation": self.activation}
        if self.convolutions:
            values["convolution"] = [vars(c) for c in self.convolutions]
        return {**values, "recurrent": self.recurrent} if self.recurrent else values


@dataclass(frozen=True)
class NetworkSpec:
    """The shape of a network.

    Attributes:
      observations: what it is shown.
      layers: the layers of every head.
      heads: name and outputs of each head, in the order of their tensors.
      has_log_std: whether `policy/log_std` belongs to it: a diagonal Gaussian policy.
      num_choices: how many of the policy's outputs belong to each component of an action, where it is several
        choices at once; else empty.
    """

    observations: ObservationSpace
    layers: Layers
    heads: tuple[tuple[str, int], ...]
    has_log_std: bool = False
    num_choices: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        unknown = [name for name, _ in self.heads if name not in _HEAD_GAINS]
        if unknown:
            raise InvalidArgumentError.of("network.heads", unknown, ", ".join(_HEAD_GAINS))
        if self.layers.convolutions and len(self.observations.shape) != 3:
            allowed = f"none, for observations are {list(self.observations.shape)}, not [height, width, channels]"
            raise InvalidArgumentError.of("network.convolution", len(self.layers.convolutions), allowed)
        self.pictures()

    @property
    def activation(self) -> str:
        """Of every layer but the heads."""
        return self.layers.activation

    @property
    def observation_size(self) -> int:
        """Elements of an observation."""
        return self.observations.size

    def pictures(self) -> list[Picture]:
        """Return the shapes that the convolutions see, then what the last one puts out; none without any."""
        if not self.layers.convolutions:
            return []
        height, width, channels = self.observations.shape
        shapes: list[Picture] = [(height, width, channels)]
        for convolution in self.layers.convolutions:
            shapes.append(convolution.output_shape(shapes[-1]))
        return shapes

    def convolutions(self, head: str) -> list[tuple[str, Convolution, Picture]]:
        """Return prefix, convolution and input of each convolution of a head."""
        stages = enumerate(zip(self.layers.convolutions, self.pictures(), strict=False))
        return [(f"{head}/convolution_{i}", convolution, shape) for i, (convolution, shape) in stages]

    def dense_layers(self, head: str) -> list[tuple[str, tuple[int, int]]]:
        """Return prefix and weight shape of each fully connected layer of a head, the head itself last."""
        shown = int(np.prod(self.pictures()[-1])) if self.layers.convolutions else self.observation_size
        widths = (shown, *self.layers.hidden)
        hidden = [(f"{head}/{i}", (rows, columns)) for i, (columns, rows) in enumerate(pairwise(widths))]
        return [*hidden, (f"{head}/head", (dict(self.heads)[head], self.layers.recurrent or widths[-1]))]

    def memory(self, head: str) -> tuple[str, int, int] | None:
        """Return prefix, width and inputs of a head's recurrent unit."""
        if not self.layers.recurrent:
            return None
        *hidden, _ = self.dense_layers(head)
        shown = int(np.prod(self.pictures()[-1])) if self.layers.convolutions else self.observation_size
        return f"{head}/recurrent", self.layers.recurrent, hidden[-1][1][0] if hidden else shown

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, in their order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for head, num_outputs in self.heads:
            for prefix, convolution, picture in self.convolutions(head):
                shapes[f"{prefix}/weight"] = convolution.weight_shape(picture)
                shapes[f"{prefix}/bias"] = (convolution.channels,)
            for prefix, (rows, columns) in self.dense_layers(head):
                if prefix.endswith("/head") and (memory := self.memory(head)) is not None:
                    shapes |= recurrent_shapes(*memory)
                shapes[f"{prefix}/weight"] = (rows, columns)
                shapes[f"{prefix}/bias"] = (rows,)
            if head == "policy" and self.has_log_std:
                shapes["policy/log_std"] = (num_outputs,)
        return shapes

    def num_products(self, head: str) -> int:
        """Return the multiplications of one evaluation of a head for one observation: what it costs."""
        shapes = self.shapes()
        dense = sum(int(np.prod(shapes[f"{prefix}/weight"])) for prefix, _ in self.dense_layers(head))
        places = [int(np.prod(picture[:2])) for picture in self.pictures()[1:]]
        weights = [int(np.prod(shapes[f"{prefix}/weight"])) for prefix, _, _ in self.convolutions(head)]
        return dense + sum(n * size for n, size in zip(places, weights, strict=True))

    def init(self, rng: np.random.Generator) -> dict[str, FloatArray]:
        """Return fresh tensors: orthogonal weights, zero biases, unit standard deviations.

        A weight of more than two axes is orthogonal as a matrix `[out, the rest]`.
        """
        tensors: dict[str, FloatArray] = {}
        for name, shape in self.shapes().items():
            if not name.endswith("weight"):
                tensors[name] = np.zeros(shape, np.float32)
                continue
            head, _, layer = name.partition("/")
            gain = _HEAD_GAINS[head] if layer == "head/weight" else _HIDDEN_GAIN
            tensors[name] = orthogonal(shape[0], int(np.prod(shape[1:])), gain, rng).reshape(shape)
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

    def inputs(self, observations: Array, num_leading: int = 1) -> FloatArray:
        """Return stored observations `[..., *shape]` as float32 `[..., size]`, bytes scaled to [0, 1]."""
        return flatten_observations(observations, num_leading, self.observations.high)

    def to_dict(self) -> dict[str, object]:
        """Return the spec as JSON values; those of a plain network are what they always were."""
        heads = [[name, size] for name, size in self.heads]
        layers = self.layers.to_dict()
        is_plain = not self.layers.convolutions and "high" not in self.observations.to_dict()
        shown = {} if is_plain else {"observations": self.observations.to_dict()}
        choices = {"num_choices": list(self.num_choices)} if self.num_choices else {}
        size = {"observation_size": self.observation_size, "hidden": layers.pop("hidden"), "heads": heads}
        return {**size, **layers, "has_log_std": self.has_log_std, **shown, **choices}


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


def _integer(value: object) -> int:
    return int(value)  # type: ignore[call-overload,no-any-return]  # JSON numbers
