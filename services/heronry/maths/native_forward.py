"""Networks evaluated by the native loops, or by their NumPy twins bit for bit the same."""

import numpy as np

from heronry.maths.network_spec import NetworkSpec, Tensors
from heronry.native import LOOPS, Loops, NetworkShape, PolicyNetwork, make_network
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray


class NativeForward:
    """One head of a network without memory; for one thread at a time.

    A row's outputs have the same bits whatever rows are beside it: acting for some lanes here and
    for others elsewhere comes to the same.
    """

    def __init__(self, spec: NetworkSpec, head: str, tensors: Tensors, *, loops: Loops = LOOPS) -> None:
        if spec.layers.recurrent:
            raise InvalidArgumentError.of("network.recurrent", spec.layers.recurrent, "0: it keeps no states")
        self._spec = spec
        self._head = head
        prefixes = [*(p for p, _, _ in spec.convolutions(head)), *(p for p, _ in spec.dense_layers(head))]
        self._names = [f"{prefix}/{part}" for prefix in prefixes for part in ("weight", "bias")]
        self._network = make_network(_shape(spec, head), loops=loops)
        self._outputs: FloatArray = np.empty((0, dict(spec.heads)[head]), np.float32)
        self.load(tensors)

    @property
    def network(self) -> PolicyNetwork:
        """What evaluates it, for loops that act without coming back here."""
        return self._network

    def load(self, tensors: Tensors) -> None:
        """Take other weights from the next call on; they are copied.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        self._spec.check(tensors, self._head)
        self._network.load(np.concatenate([np.asarray(tensors[n], np.float32).reshape(-1) for n in self._names]))

    def __call__(self, observations: Array) -> FloatArray:
        """Return the outputs `[B, n]` for observations `[B, ...]`; the array is written over by the next call."""
        if len(self._outputs) != len(observations):
            self._outputs = np.empty((len(observations), self._outputs.shape[1]), np.float32)
        self._network.evaluate(np.ascontiguousarray(observations), self._outputs)
        return self._outputs


def _shape(spec: NetworkSpec, head: str) -> NetworkShape:
    pictures = spec.pictures()
    return NetworkShape(
        pictures[0] if pictures else (1, 1, spec.observation_size),
        [(c.channels, c.kernel, c.stride) for _, c, _ in spec.convolutions(head)],
        [rows for _, (rows, _) in spec.dense_layers(head)],
        spec.activation,
        1.0 / spec.observations.high,
    )
