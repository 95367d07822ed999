"""Which models can be cut into shards."""

from typing import Final

from heronry.types.aggregation import (
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
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings, Shard

_SEPARABLE: Final = (Mean, Sum, WeightedMean, FederatedMean, Median, TrimmedMean)
_REASONS: Final[dict[type[AggregationRule], str]] = {
    NormBoundedMean: "a shard does not know the norm of the whole contribution",
    Krum: "a shard does not know the distances between whole contributions",
    GeometricMedian: "a shard does not know the distances between whole contributions",
}


def check_shardable(settings: ModelSettings) -> None:
    """Refuse settings whose updates cannot be made of each shard by itself; a whole model may have any.

    Raises:
      InvalidArgumentError: the rule or the norm's bound takes the whole contribution, or acknowledged
        contributions could be lost: the shards would then differ for good.
    """
    if settings.shard is None:
        return
    rule = settings.aggregation.rule
    if not isinstance(rule, _SEPARABLE):
        names = ", ".join(kind.__name__ for kind in _SEPARABLE)
        allowed = f"{names} ({_REASONS[type(rule)]})"
        raise InvalidArgumentError.of("settings.aggregation.rule", type(rule).__name__, allowed)
    if settings.limits.max_norm is not None:
        allowed = f"none for a shard ({_REASONS[NormBoundedMean]})"
        raise InvalidArgumentError.of("settings.limits.max_norm", settings.limits.max_norm, allowed)
    if settings.acknowledgement is AcknowledgementLevel.MEMORY:
        allowed = "process, disk for a shard (what one shard forgets the others have applied)"
        raise InvalidArgumentError.of("settings.acknowledgement", settings.acknowledgement.value, allowed)


def check_whole(model: str, settings: ModelSettings, call: str) -> None:
    """Refuse a call that would reach one shard and not the others.

    Raises:
      FailedPreconditionError: the model is a shard.
    """
    if settings.shard is not None:
        raise _refused(model, settings.shard, call, "a client of all shards, or a model of one")


def check_leading(model: str, settings: ModelSettings, call: str) -> None:
    """Refuse a call that shards learn of from the first one.

    Raises:
      FailedPreconditionError: the model is a later shard.
    """
    if settings.shard is not None and settings.shard.index:
        raise _refused(model, settings.shard, call, f"the first shard, at {settings.shard.first_address}")


def _refused(model: str, shard: Shard, call: str, allowed: str) -> FailedPreconditionError:
    details = {"field": "model", "value": model, "allowed": allowed}
    message = f"{call}: model {model!r} is shard {shard.index} of {shard.num_shards}, allowed: {allowed}"
    return FailedPreconditionError(message, details=details)
