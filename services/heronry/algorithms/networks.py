"""The torch twin of `heronry.maths.networks`: the same tensors in one flat vector on a device."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from heronry.maths.networks import NetworkSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array, FloatArray

ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "elu": torch.nn.functional.elu,
}


class FlatNetwork:
    """A network whose weights are views of one vector `flat` [P], a leaf that collects gradients.

    One vector makes gradient clipping, the optimiser's step and a copy one operation each; for
    networks of CartPole's size their number of operations is what an update costs.
    """

    def __init__(self, spec: NetworkSpec, tensors: Mapping[str, Array], device: torch.device) -> None:
        if spec.layers.recurrent:
            allowed = "0: it does not learn through time"
            raise InvalidArgumentError.of("network.recurrent", spec.layers.recurrent, allowed)
        self._spec = spec
        self._shapes = spec.shapes()
        self._sizes = [int(np.prod(shape, dtype=np.int64)) for shape in self._shapes.values()]
        self._activate = ACTIVATIONS[spec.activation]
        self.flat = torch.zeros(sum(self._sizes), dtype=torch.float32, device=device, requires_grad=True)
        self.load(tensors)

    def load(self, tensors: Mapping[str, Array]) -> None:
        """Take other weights.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        self._spec.check(tensors)
        packed = np.concatenate([np.asarray(tensors[name], np.float32).reshape(-1) for name in self._shapes])
        with torch.no_grad():
            self.flat.copy_(torch.from_numpy(packed))

    def copy_from(self, other: "FlatNetwork") -> None:
        """Take the weights of a network of the same shape."""
        with torch.no_grad():
            self.flat.copy_(other.flat)

    def tensors(self) -> dict[str, FloatArray]:
        """Return copies of the weights by name."""
        packed = self.flat.detach().cpu().numpy().copy()
        parts = np.split(packed, np.cumsum(self._sizes)[:-1])
        return {name: part.reshape(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def views(self) -> dict[str, Tensor]:
        """Return the weights by name as views of `flat`, through which gradients flow."""
        parts = torch.split(self.flat, self._sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def forward(self, head: str, views: Mapping[str, Tensor], observations: Tensor) -> Tensor:
        """Return a head's outputs `[B, n]` for flattened observations `[B, size]`."""
        values = self._convolve(head, views, observations) if self._spec.layers.convolutions else observations
        *hidden, (last, _) = self._spec.dense_layers(head)
        for prefix, _ in hidden:
            values = self._activate(torch.addmm(views[f"{prefix}/bias"], values, views[f"{prefix}/weight"].t()))
        return torch.addmm(views[f"{last}/bias"], values, views[f"{last}/weight"].t())

    def _convolve(self, head: str, views: Mapping[str, Tensor], observations: Tensor) -> Tensor:
        # Torch's channels come before height and width; the permutations are views, not copies.
        values = observations.view(-1, *self._spec.observations.shape).permute(0, 3, 1, 2)
        for prefix, convolution, _ in self._spec.convolutions(head):
            weight = views[f"{prefix}/weight"].permute(0, 3, 1, 2)
            bias = views[f"{prefix}/bias"]
            values = self._activate(torch.nn.functional.conv2d(values, weight, bias, stride=convolution.stride))
        return values.permute(0, 2, 3, 1).reshape(len(observations), -1)
