"""What turns observations into the outputs of a policy's head, wherever it is computed."""

from typing import Protocol

from heronry.maths.network_spec import Tensors
from heronry.types.tensors import Array, FloatArray


class Forward(Protocol):
    """The acting head of one network; for one thread at a time."""

    def load(self, tensors: Tensors) -> None:
        """Take other weights from the next call on; they are copied.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        ...

    def __call__(self, observations: Array) -> FloatArray:
        """Return outputs `[N, n]` float32 for observations `[N, ...]` as they are stored.

        The array may be written over by the next call.
        """
        ...
