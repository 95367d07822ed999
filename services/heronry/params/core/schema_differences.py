"""How two schemas differ, in words."""

from heronry.types.tensors import ModelSchema, TensorSpec


def first_difference(got: ModelSchema, have: ModelSchema) -> tuple[str, str, str]:
    """Return the field, what was given and what is there, of the first difference between unequal schemas."""
    if len(got.tensors) != len(have.tensors):
        return "schema.tensors", f"{len(got.tensors)} tensors", f"{len(have.tensors)} tensors"
    theirs, ours = next((g, h) for g, h in zip(got.tensors, have.tensors, strict=True) if g != h)
    return f"schema.{ours.name}", _described(theirs), _described(ours)


def _described(tensor: TensorSpec) -> str:
    parts = [tensor.name, f"{tensor.element_type.name.lower()}{list(tensor.shape)}", tensor.role.name]
    return " ".join([*parts, tensor.merge_rule.name] if tensor.merge_rule else parts)
