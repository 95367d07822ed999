"""What local values contribute to a model: each tensor as its role asks for it."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from heronry.client.parameters import Parameters
from heronry.types.contribution import ContributionKind
from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import Array, ElementType, MergeRule, ModelSchema, TensorRole, TensorSpec


def check_tensors(values: Mapping[str, Array], schema: ModelSchema) -> None:
    """Raise SchemaMismatchError unless local values and the model have the same tensors, of the same shapes."""
    names = [tensor.name for tensor in schema.tensors]
    _check_names("parameters", values, names, names)
    for tensor in schema.tensors:
        value = values[tensor.name]
        if value.shape != tensor.shape:
            raise SchemaMismatchError.of(f"parameters.{tensor.name}.shape", value.shape, str(tensor.shape))
        if not np.can_cast(tensor.element_type.dtype, value.dtype, "same_kind"):
            allowed = f"{tensor.element_type.name.lower()}, or what it can be cast to"
            raise SchemaMismatchError.of(f"parameters.{tensor.name}.element_type", str(value.dtype), allowed)


def contribution_of(
    kind: ContributionKind, values: Mapping[str, Array], gradients: Mapping[str, Array] | None, pulled: Parameters
) -> dict[str, Array]:
    """Return what is pushed.

    What the optimiser does not see means the same with every kind: new values, or increments where counts
    are merged. Differences of statistics would be taken for their values.

    Args:
      kind: of the contribution.
      values: as they are now; with GRADIENT, those suffice that the optimiser does not see.
      gradients: with GRADIENT, those of all PARAMETER tensors; what they hold of others goes before `values`.
      pulled: the version that the values were copied from.

    Raises:
      SchemaMismatchError: a gradient is missing, or of no tensor.
    """
    learnt = [tensor.name for tensor in pulled.schema.with_role(TensorRole.PARAMETER)]
    others = {t.name: _merged(t, values, pulled) for t in pulled.schema.tensors if t.role is not TensorRole.PARAMETER}
    if gradients is not None:
        _check_names("gradients", gradients, learnt, pulled)
        return others | dict(gradients)
    if kind is ContributionKind.WEIGHTS:
        return others | {name: values[name] for name in learnt}
    return others | {name: _difference(values[name], pulled[name]) for name in learnt}


def _check_names(field: str, given: Iterable[str], needed: Collection[str], known: Iterable[str]) -> None:
    missing, unknown = sorted(set(needed) - set(given)), sorted(set(given) - set(known))
    if missing or unknown:
        odd = {"missing": missing, "unknown": unknown}
        found = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in odd.items() if names)
        raise SchemaMismatchError.of(field, found, f"those of {', '.join(needed)}")


def _merged(tensor: TensorSpec, values: Mapping[str, Array], pulled: Parameters) -> Array:
    value = values[tensor.name]
    # Flags are merged by `or`: they have no differences.
    is_counted = tensor.merge_rule is MergeRule.MERGE_COUNTS and tensor.element_type is not ElementType.BOOL
    return _difference(value, pulled[tensor.name]) if is_counted else value


def _difference(new: Array, old: Array) -> Array:
    difference: Array = np.subtract(new, old, dtype=new.dtype)
    return difference
