"""Settings of models as JSON documents: each choice under the name of its class, with its figures."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Final, TypeVar

from heronry.params.core.durability.documents import Document, as_int, as_mapping, as_text
from heronry.params.core.durability.private_documents import privacy_from_document, privacy_to_document
from heronry.types.aggregation import (
    Aggregation,
    AggregationRule,
    FederatedMean,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
    WeightedMean,
)
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    LatePolicy,
    SampledRounds,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.errors import DataLossError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ContributionLimits, ModelSettings, Shard
from heronry.types.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    MixingOptimizer,
    ServerOptimizer,
    SgdOptimizer,
    YogiOptimizer,
)

T = TypeVar("T")

_RULES: Final[tuple[Callable[..., AggregationRule], ...]] = (
    Mean,
    Sum,
    WeightedMean,
    FederatedMean,
    NormBoundedMean,
    Median,
    TrimmedMean,
    Krum,
    GeometricMedian,
)
_MODES: Final[tuple[Callable[..., Consistency], ...]] = (
    SynchronousRounds,
    StaleSynchronous,
    Asynchronous,
    BufferedAsynchronous,
    SampledRounds,
)
_OPTIMIZERS: Final[tuple[Callable[..., ServerOptimizer], ...]] = (
    SgdOptimizer,
    AdamOptimizer,
    YogiOptimizer,
    AdagradOptimizer,
    MixingOptimizer,
)


def settings_to_document(settings: ModelSettings) -> Document:
    """Describe settings."""
    aggregation = settings.aggregation
    return {
        "consistency": _chosen(settings.consistency),
        "aggregation": {**asdict(aggregation), "rule": _chosen(aggregation.rule)},
        "optimizer": _chosen(settings.optimizer),
        "group_optimizers": {group: _chosen(optimizer) for group, optimizer in settings.group_optimizers.items()},
        "limits": asdict(settings.limits),
        "acknowledgement": settings.acknowledgement.value,
        "num_versions_kept": settings.num_versions_kept,
        "shard": None if settings.shard is None else asdict(settings.shard),
        "privacy": None if settings.privacy is None else privacy_to_document(settings.privacy),
    }


def settings_from_document(document: object) -> ModelSettings:
    """Read settings back.

    Raises:
      DataLossError: they are not of this format.
    """
    fields = as_mapping(document)
    aggregation = dict(as_mapping(fields["aggregation"]))
    rule = _choice(aggregation.pop("rule"), _RULES)
    shard, privacy = fields["shard"], fields.get("privacy")
    return ModelSettings(
        consistency=_choice(fields["consistency"], _MODES),
        aggregation=_made(Aggregation, {**aggregation, "rule": rule}),
        optimizer=_choice(fields["optimizer"], _OPTIMIZERS),
        group_optimizers={
            group: _choice(optimizer, _OPTIMIZERS)
            for group, optimizer in as_mapping(fields["group_optimizers"]).items()
        },
        limits=_made(ContributionLimits, as_mapping(fields["limits"])),
        acknowledgement=AcknowledgementLevel(fields["acknowledgement"]),
        num_versions_kept=as_int(fields["num_versions_kept"]),
        shard=None if shard is None else _made(Shard, as_mapping(shard)),
        privacy=None if privacy is None else privacy_from_document(privacy),
    )


def _chosen(choice: AggregationRule | Consistency | ServerOptimizer) -> Document:
    fields = {name: value.value if isinstance(value, LatePolicy) else value for name, value in asdict(choice).items()}
    return {"kind": type(choice).__name__, **fields}


def _choice(document: object, choices: tuple[Callable[..., T], ...]) -> T:
    fields = dict(as_mapping(document))
    kind = as_text(fields.pop("kind"))
    found = [choice for choice in choices if choice.__name__ == kind]
    if not found:
        raise DataLossError(f"a document holds the choice {kind!r}, which is unknown")
    return _made(found[0], fields)


def _made(make: Callable[..., T], fields: Mapping[str, object]) -> T:
    values = {name: LatePolicy(value) if name == "late" else value for name, value in fields.items()}
    try:
        return make(**values)
    except TypeError as error:
        raise DataLossError(f"a document does not fit: {error}") from error
