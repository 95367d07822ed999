"""Element types and model schemas as messages."""

from typing import Final

from heronry.api.common.v1 import tensor_pb2
from heronry.types.errors import SchemaMismatchError
from heronry.types.tensors import ElementType, MergeRule, ModelSchema, TensorRole, TensorSpec

_ELEMENT_TYPES: Final = {
    ElementType.FLOAT32: tensor_pb2.ELEMENT_TYPE_FLOAT32,
    ElementType.FLOAT64: tensor_pb2.ELEMENT_TYPE_FLOAT64,
    ElementType.FLOAT16: tensor_pb2.ELEMENT_TYPE_FLOAT16,
    ElementType.INT8: tensor_pb2.ELEMENT_TYPE_INT8,
    ElementType.INT16: tensor_pb2.ELEMENT_TYPE_INT16,
    ElementType.INT32: tensor_pb2.ELEMENT_TYPE_INT32,
    ElementType.INT64: tensor_pb2.ELEMENT_TYPE_INT64,
    ElementType.UINT8: tensor_pb2.ELEMENT_TYPE_UINT8,
    ElementType.UINT16: tensor_pb2.ELEMENT_TYPE_UINT16,
    ElementType.UINT32: tensor_pb2.ELEMENT_TYPE_UINT32,
    ElementType.UINT64: tensor_pb2.ELEMENT_TYPE_UINT64,
    ElementType.BOOL: tensor_pb2.ELEMENT_TYPE_BOOL,
}
_ELEMENT_TYPES_BACK: Final[dict[int, ElementType]] = {number: t for t, number in _ELEMENT_TYPES.items()}
_ROLES: Final = {
    TensorRole.PARAMETER: tensor_pb2.TENSOR_ROLE_PARAMETER,
    TensorRole.BUFFER: tensor_pb2.TENSOR_ROLE_BUFFER,
    TensorRole.STATISTIC: tensor_pb2.TENSOR_ROLE_STATISTIC,
}
_ROLES_BACK: Final[dict[int, TensorRole]] = {number: r for r, number in _ROLES.items()}
_MERGE_RULES: Final = {
    MergeRule.LAST: tensor_pb2.MERGE_RULE_LAST,
    MergeRule.MEAN: tensor_pb2.MERGE_RULE_MEAN,
    MergeRule.MERGE_COUNTS: tensor_pb2.MERGE_RULE_MERGE_COUNTS,
}
_MERGE_RULES_BACK: Final[dict[int, MergeRule | None]] = {
    tensor_pb2.MERGE_RULE_UNSPECIFIED: None,
    **{number: r for r, number in _MERGE_RULES.items()},
}


def element_type_to_proto(element_type: ElementType) -> tensor_pb2.ElementType:
    """Return the enum number of an element type."""
    return _ELEMENT_TYPES[element_type]


def element_type_from_proto(number: int, field: str = "element_type") -> ElementType:
    """Return the element type of an enum number; `field` names it in the error.

    Raises:
      SchemaMismatchError: unspecified, unknown, or one that NumPy has no type for.
    """
    try:
        return _ELEMENT_TYPES_BACK[number]
    except KeyError:
        raise SchemaMismatchError.of(field, number, ", ".join(t.name.lower() for t in ElementType)) from None


def tensor_to_proto(tensor: TensorSpec) -> tensor_pb2.TensorSpec:
    """Return the message of one tensor."""
    return tensor_pb2.TensorSpec(
        name=tensor.name,
        shape=tensor.shape,
        element_type=_ELEMENT_TYPES[tensor.element_type],
        offset=tensor.offset,
        role=_ROLES[tensor.role],
        group=tensor.group,
        merge_rule=tensor_pb2.MERGE_RULE_UNSPECIFIED if tensor.merge_rule is None else _MERGE_RULES[tensor.merge_rule],
    )


def tensor_from_proto(message: tensor_pb2.TensorSpec) -> TensorSpec:
    """Return the tensor that a message describes.

    Raises:
      SchemaMismatchError: an enum without a known value.
    """
    path = f"schema.{message.name}"
    if message.role not in _ROLES_BACK:
        raise SchemaMismatchError.of(f"{path}.role", message.role, ", ".join(r.value for r in TensorRole))
    if message.merge_rule not in _MERGE_RULES_BACK:
        raise SchemaMismatchError.of(f"{path}.merge_rule", message.merge_rule, ", ".join(r.value for r in MergeRule))
    return TensorSpec(
        message.name,
        tuple(message.shape),
        element_type_from_proto(message.element_type, f"{path}.element_type"),
        message.offset,
        _ROLES_BACK[message.role],
        message.group,
        _MERGE_RULES_BACK[message.merge_rule],
    )


def schema_to_proto(schema: ModelSchema) -> tensor_pb2.ModelSchema:
    """Return the message of a schema."""
    return tensor_pb2.ModelSchema(tensors=[tensor_to_proto(t) for t in schema.tensors])


def schema_from_proto(message: tensor_pb2.ModelSchema) -> ModelSchema:
    """Return the schema that a message describes.

    Raises:
      SchemaMismatchError: unknown enums, gaps between offsets, names used twice.
    """
    return ModelSchema(tuple(tensor_from_proto(t) for t in message.tensors))
