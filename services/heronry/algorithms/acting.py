"""Acting with torch: for networks that are too large for the native loops, and on other devices."""

from collections.abc import Mapping

import numpy as np
import torch

from heronry.algorithms.networks import FlatNetwork
from heronry.maths.networks import NetworkSpec
from heronry.types.errors import ConfigurationError, InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array, FloatArray


class TorchForward:
    """One head of a network without memory, on a device; for one thread at a time."""

    def __init__(self, spec: NetworkSpec, head: str, tensors: Mapping[str, Array], device: torch.device) -> None:
        if spec.layers.recurrent:
            raise InvalidArgumentError.of("network.recurrent", spec.layers.recurrent, "0: it keeps no states")
        # The other heads take no part, and need not be among the tensors.
        own = tuple((name, size) for name, size in spec.heads if name == head)
        self._spec = NetworkSpec(spec.observations, spec.layers, own, spec.has_log_std)
        self._head = head
        self._device = device
        self._spec.check(tensors)
        self._network = FlatNetwork(self._spec, tensors, device)
        self._views = self._network.views()

    def load(self, tensors: Mapping[str, Array]) -> None:
        """Take other weights from the next call on; they are copied.

        Raises:
          SchemaMismatchError: they are another network's.
        """
        self._network.load(tensors)

    def __call__(self, observations: Array) -> FloatArray:
        """Return the outputs `[B, n]` for observations `[B, ...]` as they are stored."""
        with torch.inference_mode():
            shown = torch.from_numpy(np.array(observations).reshape(len(observations), -1)).to(self._device)
            if shown.shape[1] != self._spec.observation_size:
                raise SchemaMismatchError.of("observation.size", shown.shape[1], str(self._spec.observation_size))
            # Bytes travel to the device as bytes.
            inputs = shown * (1.0 / self._spec.observations.high) if shown.dtype == torch.uint8 else shown.float()
            outputs: FloatArray = self._network.forward(self._head, self._views, inputs).cpu().numpy()
            return outputs


def make_torch_forward(spec: NetworkSpec, head: str, tensors: Mapping[str, Array], device: str) -> TorchForward:
    """Return a head of a network on a device: `cpu`, `cuda`, `cuda:1`, or `auto` for CUDA where there is one.

    Raises:
      ConfigurationError: there is no such device here.
      SchemaMismatchError: the weights are another network's.
    """
    return TorchForward(spec, head, tensors, _device(device))


def _device(name: str) -> torch.device:
    num_devices = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if num_devices else "cpu")
    here = ["auto", "cpu", *(["cuda"] if num_devices else []), *(f"cuda:{i}" for i in range(num_devices))]
    if name not in here:
        raise ConfigurationError.of("fleet.device", name, ", ".join(here) + " on this machine")
    return torch.device(name)
