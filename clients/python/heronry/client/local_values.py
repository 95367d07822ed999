"""The parameters that a caller trains: NumPy arrays, or tensors and modules of torch, changed in place.

torch is never imported: whoever hands over its tensors has done so.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from heronry.client.arguments import check_share, shown
from heronry.client.tensor_arrays import as_array, named_arrays
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.tensors import Array

T = TypeVar("T")


class LocalValues(Protocol):
    """Named values that can be read, differentiated and overwritten."""

    def values(self, names: Collection[str] | None = None) -> dict[str, Array]:
        """Return the values as they are, all or those of some names; views where they lie in this machine's memory."""

    def gradients(self, given: Mapping[str, object] | None, names: Collection[str] | None = None) -> dict[str, Array]:
        """Return the gradients that the values keep, all or those of some names, and those that are given."""

    def assign(self, values: Mapping[str, Array]) -> None:
        """Overwrite the values in place."""

    def buffers(self) -> frozenset[str]:
        """Return the names of what is not learnt."""


def local_values(parameters: object) -> LocalValues:
    """Return what a caller trains, behind one interface.

    Args:
      parameters: a torch module, its `named_parameters()`, or a mapping of names to writable arrays or tensors.

    Raises:
      SchemaMismatchError: it is none of these.
    """
    if hasattr(parameters, "named_parameters") and hasattr(parameters, "named_buffers"):
        return TorchValues(dict(parameters.named_parameters()), dict(parameters.named_buffers()))
    named = _named(parameters)
    if all(isinstance(value, np.ndarray) for value in named.values()):
        return NumpyValues(named)
    if all(hasattr(value, "detach") and hasattr(value, "copy_") for value in named.values()):
        return TorchValues(named, {})
    raise _refused(parameters)


class NumpyValues:
    """Writable arrays; gradients come with the step."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        for name, array in arrays.items():
            if not array.flags.writeable:
                raise InvalidArgumentError.of(
                    f"parameters.{name}", "a read-only array", "arrays that can be written to"
                )
        self._arrays = dict(arrays)

    def values(self, names: Collection[str] | None = None) -> dict[str, Array]:
        return _selected(self._arrays, names)

    def gradients(self, given: Mapping[str, object] | None, names: Collection[str] | None = None) -> dict[str, Array]:
        if given is None:
            raise InvalidArgumentError.of("gradients", None, "a mapping of names to arrays: arrays keep no gradients")
        return named_arrays("gradients", given)

    def assign(self, values: Mapping[str, Array]) -> None:
        for name, array in self._arrays.items():
            np.copyto(array, values[name], casting="same_kind")

    def buffers(self) -> frozenset[str]:
        return frozenset()


class TorchValues:
    """Tensors of torch with their `.grad`; buffers, which have none, beside them."""

    def __init__(self, parameters: Mapping[str, Any], buffers: Mapping[str, Any]) -> None:
        self._parameters = dict(parameters)
        self._buffers = dict(buffers)

    def values(self, names: Collection[str] | None = None) -> dict[str, Array]:
        chosen = _selected(self._all(), names)
        return {name: as_array(f"parameters.{name}", tensor) for name, tensor in chosen.items()}

    def gradients(self, given: Mapping[str, object] | None, names: Collection[str] | None = None) -> dict[str, Array]:
        gradients = {name: _gradient(name, tensor) for name, tensor in _selected(self._parameters, names).items()}
        return gradients | ({} if given is None else named_arrays("gradients", given))

    def assign(self, values: Mapping[str, Array]) -> None:
        for name, tensor in self._all().items():
            _overwrite(tensor.detach(), values[name])

    def buffers(self) -> frozenset[str]:
        return frozenset(self._buffers)

    def _all(self) -> dict[str, Any]:
        return self._parameters | self._buffers


def mix(parameters: Mapping[str, Array], own: object, beta: float) -> None:
    """Move own values towards pulled ones, in place: `own = (1 - beta) own + beta parameters`.

    Args:
      parameters: what was pulled.
      own: as `local_values` takes it.
      beta: above 0, at most 1.

    Raises:
      SchemaMismatchError: a tensor of `own` was not pulled.
    """
    check_share("beta", beta)
    local = local_values(own)
    for name in local.values():
        if name not in parameters:
            raise SchemaMismatchError.of("parameters", name, f"tensors of what was pulled: {', '.join(parameters)}")
    mixed = {name: _mixed(value, parameters[name], beta) for name, value in local.values().items()}
    local.assign(mixed)


def _mixed(own: Array, pulled: Array, beta: float) -> Array:
    if own.dtype.kind != "f":
        return pulled
    return (own * own.dtype.type(1 - beta) + pulled * own.dtype.type(beta)).astype(own.dtype, copy=False)  # type: ignore[operator]  # both are floats


def _selected(named: Mapping[str, T], names: Collection[str] | None) -> dict[str, T]:
    return {name: value for name, value in named.items() if names is None or name in names}


def _overwrite(detached: Any, value: Array) -> None:  # noqa: ANN401 # of torch, which is not imported
    if detached.device.type == "cpu" and detached.dtype.itemsize == value.dtype.itemsize:
        np.copyto(as_array("parameters", detached), value, casting="same_kind")
        # Tells autograd that the values have changed, as an optimiser's step does.
        detached.reshape(-1)[:0].zero_()
    else:
        detached.copy_(detached.new_tensor(np.array(value)))


def _gradient(name: str, tensor: Any) -> Array:  # noqa: ANN401 # of torch, which is not imported
    if tensor.grad is None:
        return np.zeros_like(as_array(f"parameters.{name}", tensor))
    return as_array(f"parameters.{name}.grad", tensor.grad)


def _named(parameters: object) -> dict[str, Any]:
    try:
        if isinstance(parameters, Mapping | Iterable):
            return dict(parameters)
    except (TypeError, ValueError) as error:
        raise _refused(parameters) from error
    raise _refused(parameters)


def _refused(parameters: object) -> SchemaMismatchError:
    allowed = "a torch module, its named_parameters(), or a mapping of names to arrays or tensors"
    return SchemaMismatchError.of("parameters", shown(parameters), allowed)
