"""Adam on a flat vector, with the gradient's norm clipped."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from heronry.types.errors import DataLossError, SchemaMismatchError
from heronry.types.tensors import Array

_BETA1 = 0.9
_BETA2 = 0.999


class ClippedAdam:
    """Adam (Kingma and Ba 2015, Algorithm 1) behind a bound on the gradient's L2 norm.

    `torch.optim` is not used: its optimisers import torch's compiler, which takes a second and a
    hundred megabytes, and their step costs more than these six operations on one vector.
    """

    def __init__(self, flat: Tensor, learning_rate: float, epsilon: float, max_gradient_norm: float) -> None:
        self.learning_rate = learning_rate
        self._flat = flat
        self._values = flat.detach()
        self._epsilon = epsilon
        self._max_norm = max_gradient_norm
        self._first = torch.zeros_like(self._values)
        self._second = torch.zeros_like(self._values)
        self._num_steps = 0

    def step(self, loss: Tensor) -> None:
        """Descend along the gradient of `loss`."""
        (gradient,) = torch.autograd.grad(loss, self._flat)
        # renorm scales the only row down to the bound, where its norm is above.
        clipped = torch.renorm(gradient[None], 2, 0, self._max_norm)[0]
        self._num_steps += 1
        self._first.lerp_(clipped, 1 - _BETA1)
        self._second.mul_(_BETA2).addcmul_(clipped, clipped, value=1 - _BETA2)
        unbias = 1 / math.sqrt(1 - _BETA2**self._num_steps)
        root = self._second.sqrt().mul_(unbias).add_(self._epsilon)
        self._values.addcdiv_(self._first, root, value=-self.learning_rate / (1 - _BETA1**self._num_steps))

    def arrays(self) -> dict[str, Array]:
        """Return copies of the moments, and of the number of steps."""
        moments = {"first_moment": self._first, "second_moment": self._second}
        arrays: dict[str, Array] = {name: tensor.cpu().numpy().copy() for name, tensor in moments.items()}
        return {**arrays, "num_steps": np.array([self._num_steps], np.int64)}

    def load_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Go on from what `arrays` returned.

        Raises:
          SchemaMismatchError: the moments belong to a vector of another length.
          DataLossError: something is missing.
        """
        for name, moment in (("first_moment", self._first), ("second_moment", self._second)):
            array = _found(arrays, name)
            if array.shape != tuple(moment.shape):
                raise SchemaMismatchError.of(f"optimizer.{name}.shape", array.shape, str(tuple(moment.shape)))
            moment.copy_(torch.from_numpy(np.array(array, np.float32)))
        self._num_steps = int(_found(arrays, "num_steps")[0])


def _found(arrays: Mapping[str, Array], name: str) -> Array:
    if name not in arrays:
        raise DataLossError(f"optimizer.{name} is missing", details={"field": f"optimizer.{name}"})
    return arrays[name]
