"""Model descriptions as JSON documents, the form in which checkpoints, journals and exports keep them."""

from collections.abc import Mapping
from dataclasses import asdict

from heronry.types.errors import DataLossError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import (
    AdamOptimizer,
    Aggregation,
    AggregationRule,
    ModelSettings,
    ServerOptimizer,
    SgdOptimizer,
)
from heronry.types.tensors import ElementType, MergeRule, ModelSchema, TensorRole, TensorSpec
from heronry.types.version import ParameterVersion

Document = dict[str, object]


def schema_to_document(schema: ModelSchema) -> list[Document]:
    """Describe every tensor, in the order of offsets."""
    return [_tensor_to_document(tensor) for tensor in schema.tensors]


def schema_from_document(document: object) -> ModelSchema:
    """Read a schema back."""
    return ModelSchema(tuple(_tensor_from_document(as_mapping(tensor)) for tensor in as_list(document)))


def settings_to_document(settings: ModelSettings) -> Document:
    """Describe settings; models with privacy settings are refused before they are ever kept."""
    is_sgd = isinstance(settings.optimizer, SgdOptimizer)
    return {
        "aggregation": {**asdict(settings.aggregation), "rule": settings.aggregation.rule.value},
        "optimizer": {"kind": "sgd" if is_sgd else "adam", **asdict(settings.optimizer)},
        "acknowledgement": settings.acknowledgement.value,
        "num_versions_kept": settings.num_versions_kept,
    }


def settings_from_document(document: object) -> ModelSettings:
    """Read settings back."""
    fields = as_mapping(document)
    aggregation = as_mapping(fields["aggregation"])
    return ModelSettings(
        aggregation=Aggregation(
            AggregationRule(aggregation["rule"]),
            as_int(aggregation["num_contributions"]),
            as_int(aggregation["max_staleness"]),
        ),
        optimizer=_optimizer_from_document(as_mapping(fields["optimizer"])),
        acknowledgement=AcknowledgementLevel(fields["acknowledgement"]),
        num_versions_kept=as_int(fields["num_versions_kept"]),
    )


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


def _optimizer_from_document(fields: Mapping[str, object]) -> ServerOptimizer:
    if fields["kind"] == "sgd":
        rate, momentum = as_float(fields["learning_rate"]), as_float(fields["momentum"])
        return SgdOptimizer(rate, momentum, fields["nesterov"] is True)
    return AdamOptimizer(*(as_float(fields[name]) for name in ("learning_rate", "beta1", "beta2", "epsilon")))


def _unreadable(value: object, allowed: str) -> DataLossError:
    return DataLossError(f"a document holds {value!r} where {allowed} belongs")
