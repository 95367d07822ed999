"""Model descriptions as JSON documents, the form in which checkpoints, journals and exports keep them."""

from collections.abc import Mapping

from heronry.types.errors import DataLossError
from heronry.types.tensors import ElementType, MergeRule, ModelSchema, TensorRole, TensorSpec
from heronry.types.version import ParameterVersion

Document = dict[str, object]


def schema_to_document(schema: ModelSchema) -> list[Document]:
    """Describe every tensor, in the order of offsets."""
    return [_tensor_to_document(tensor) for tensor in schema.tensors]


def schema_from_document(document: object) -> ModelSchema:
    """Read a schema back."""
    return ModelSchema(tuple(_tensor_from_document(as_mapping(tensor)) for tensor in as_list(document)))


def version_to_document(version: ParameterVersion) -> Document:
    """Describe a version; hashes in hexadecimal."""
    return {
        "epoch": version.epoch,
        "number": version.number,
        "content_hash": version.content_hash.hex(),
        "parent_hash": version.parent_hash.hex(),
    }


def version_from_document(document: object) -> ParameterVersion:
    """Read a version back."""
    fields = as_mapping(document)
    content_hash, parent_hash = (bytes.fromhex(as_text(fields[name])) for name in ("content_hash", "parent_hash"))
    return ParameterVersion(as_int(fields["epoch"]), as_int(fields["number"]), content_hash, parent_hash)


def as_mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, or refuse."""
    if not isinstance(value, dict):
        raise _unreadable(value, "an object")
    return value


def as_list(value: object) -> list[object]:
    """Return a JSON array, or refuse."""
    if not isinstance(value, list):
        raise _unreadable(value, "an array")
    return value


def as_int(value: object) -> int:
    """Return an integer, or refuse."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unreadable(value, "an integer")
    return value


def as_float(value: object) -> float:
    """Return a number as float, or refuse."""
    if not isinstance(value, (int, float)):
        raise _unreadable(value, "a number")
    return float(value)


def as_text(value: object) -> str:
    """Return a string, or refuse."""
    if not isinstance(value, str):
        raise _unreadable(value, "a string")
    return value


def _tensor_to_document(tensor: TensorSpec) -> Document:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "element_type": tensor.element_type.name,
        "offset": tensor.offset,
        "role": tensor.role.value,
        "group": tensor.group,
        "merge_rule": tensor.merge_rule.value if tensor.merge_rule else None,
    }


def _tensor_from_document(fields: Mapping[str, object]) -> TensorSpec:
    rule = fields["merge_rule"]
    return TensorSpec(
        name=as_text(fields["name"]),
        shape=tuple(as_int(extent) for extent in as_list(fields["shape"])),
        element_type=ElementType[as_text(fields["element_type"])],
        offset=as_int(fields["offset"]),
        role=TensorRole(fields["role"]),
        group=as_text(fields["group"]),
        merge_rule=None if rule is None else MergeRule(rule),
    )


def _unreadable(value: object, allowed: str) -> DataLossError:
    return DataLossError(f"a document holds {value!r} where {allowed} belongs")
