"""Chooses what evaluates a policy's network: in fleets, and in the inference service."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Final, cast

from heronry.maths.forwards import Forward
from heronry.maths.native_forward import NativeForward
from heronry.maths.networks import HeadForward, NetworkSpec, Tensors
from heronry.native import BACKEND
from heronry.types.errors import ConfigurationError

BACKENDS: Final = ("auto", "numpy", "native", "torch", "agent")

# Multiplications for one observation, up to which the native loops are `auto`'s choice: importing
# torch takes seconds and 300 MB.
MAX_NATIVE_PRODUCTS: Final = 4_000_000

# What each other needs, where it is made and how it is installed. They are imported when a run wants them:
# acting needs no torch.
_ELSEWHERE: Final = {
    "torch": ("torch", "heronry.algorithms.acting", "make_torch_forward", "heronry[learn]"),
    "agent": ("torch", "heronry.native_agent", "make_agent_forward", "heronry[agent], then heronry native build agent"),
}


def make_forward(backend: str, network: NetworkSpec, head: str, tensors: Tensors, device: str = "cpu") -> Forward:
    """Return what evaluates a head of a network.

    `numpy` is the oracle. `native` gives each row the same bits, whatever rows are beside it. `auto`
    is `native`, or `numpy` where the native loops were not built, for networks of up to
    `MAX_NATIVE_PRODUCTS`; for larger ones it is `torch` where that is installed.

    Args:
      backend: `auto`, `numpy`, `native`, `torch` or `agent`.
      network: of the run.
      head: which of its heads.
      tensors: the first weights.
      device: `cpu`, `cuda`, `cuda:1` or `auto`; others than `cpu` are torch's.

    Raises:
      ConfigurationError: there is no such backend, it is not installed, or it has no such device.
      SchemaMismatchError: the weights are another network's.
    """
    chosen = choose_backend(backend, network, head, device)
    if chosen in _ELSEWHERE:
        return _elsewhere(chosen)(network, head, tensors, device)
    if device not in ("cpu", "auto"):
        raise ConfigurationError.of("fleet.device", device, f"cpu or auto with fleet.policy {chosen!r}")
    return HeadForward(network, head, tensors) if chosen == "numpy" else NativeForward(network, head, tensors)


def choose_backend(backend: str, network: NetworkSpec, head: str, device: str = "cpu") -> str:
    """Return what `make_forward` takes for `auto`; any other backend is itself.

    Raises:
      ConfigurationError: there is no such backend.
    """
    if backend not in BACKENDS:
        raise ConfigurationError.of("fleet.policy", backend, ", ".join(BACKENDS))
    if backend != "auto":
        return backend
    if device not in ("cpu", "auto"):
        return "torch"
    if network.num_products(head) > MAX_NATIVE_PRODUCTS and importlib.util.find_spec("torch") is not None:
        return "torch"
    return BACKEND


def _elsewhere(backend: str) -> Callable[[NetworkSpec, str, Tensors, str], Forward]:
    needed, module, function, how = _ELSEWHERE[backend]
    if importlib.util.find_spec(needed) is None:
        raise ConfigurationError.of("fleet.policy", backend, f"a policy without {needed}, or install it: {how}")
    found = getattr(importlib.import_module(module), function)
    return cast(Callable[[NetworkSpec, str, Tensors, str], Forward], found)
