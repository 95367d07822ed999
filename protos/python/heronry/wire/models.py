"""Settings and figures of models ⇄ messages."""

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import (
    AdamOptimizer,
    Aggregation,
    AggregationRule,
    ModelInfo,
    ModelSettings,
    PrivacySettings,
    PrivacyStatus,
    ServerOptimizer,
    SgdOptimizer,
    VersionInfo,
    WorkerInfo,
)
from heronry.wire.levels import level_from_proto, level_to_proto
from heronry.wire.schema import schema_from_proto, schema_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto, time_from_proto, time_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

_RULES = {AggregationRule.MEAN: pb.AGGREGATION_RULE_MEAN}
_RULE_OF: dict[int, AggregationRule] = {number: rule for rule, number in _RULES.items()}


def aggregation_to_proto(aggregation: Aggregation) -> pb.Aggregation:
    """Encode how a round becomes an update."""
    return pb.Aggregation(
        rule=_RULES[aggregation.rule],
        num_contributions=aggregation.num_contributions,
        max_staleness=aggregation.max_staleness,
    )


def aggregation_from_proto(message: pb.Aggregation) -> Aggregation:
    """Decode how a round becomes an update, its ranges checked."""
    rule = _RULE_OF.get(message.rule)
    if rule is None:
        raise InvalidArgumentError.of("aggregation.rule", int(message.rule), ", ".join(r.name for r in _RULES))
    return Aggregation(rule, message.num_contributions, message.max_staleness)


def optimizer_to_proto(optimizer: ServerOptimizer) -> pb.ServerOptimizer:
    """Encode how an update becomes values."""
    if isinstance(optimizer, SgdOptimizer):
        sgd = pb.SgdOptimizer(
            learning_rate=optimizer.learning_rate, momentum=optimizer.momentum, nesterov=optimizer.nesterov
        )
        return pb.ServerOptimizer(sgd=sgd)
    adam = pb.AdamOptimizer(
        learning_rate=optimizer.learning_rate,
        beta1=optimizer.beta1,
        beta2=optimizer.beta2,
        epsilon=optimizer.epsilon,
    )
    return pb.ServerOptimizer(adam=adam)


def optimizer_from_proto(message: pb.ServerOptimizer) -> ServerOptimizer:
    """Decode how an update becomes values, its ranges checked."""
    kind = message.WhichOneof("kind")
    if kind == "sgd":
        return SgdOptimizer(message.sgd.learning_rate, message.sgd.momentum, message.sgd.nesterov)
    if kind == "adam":
        adam = message.adam
        return AdamOptimizer(adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon)
    raise InvalidArgumentError.of("settings.optimizer", "", "sgd, adam")


def privacy_to_proto(privacy: PrivacySettings) -> pb.PrivacySettings:
    """Encode a privacy section."""
    return pb.PrivacySettings(
        unit=privacy.unit,
        clipping_norm=privacy.clipping_norm,
        noise_multiplier=privacy.noise_multiplier,
        delta=privacy.delta,
        epsilon_limit=privacy.epsilon_limit,
    )


def privacy_from_proto(message: pb.PrivacySettings) -> PrivacySettings:
    """Decode a privacy section, its ranges checked."""
    return PrivacySettings(
        message.unit, message.clipping_norm, message.noise_multiplier, message.delta, message.epsilon_limit
    )


def settings_to_proto(settings: ModelSettings) -> pb.ModelSettings:
    """Encode how a model is updated."""
    return pb.ModelSettings(
        aggregation=aggregation_to_proto(settings.aggregation),
        optimizer=optimizer_to_proto(settings.optimizer),
        acknowledgement=level_to_proto(settings.acknowledgement),
        num_versions_kept=settings.num_versions_kept,
        privacy=None if settings.privacy is None else privacy_to_proto(settings.privacy),
    )


def settings_from_proto(message: pb.ModelSettings) -> ModelSettings:
    """Decode how a model is updated, its ranges checked."""
    return ModelSettings(
        aggregation=aggregation_from_proto(message.aggregation),
        optimizer=optimizer_from_proto(message.optimizer),
        acknowledgement=level_from_proto(message.acknowledgement, default=AcknowledgementLevel.PROCESS),
        num_versions_kept=message.num_versions_kept,
        privacy=privacy_from_proto(message.privacy) if message.HasField("privacy") else None,
    )


def model_info_to_proto(info: ModelInfo) -> pb.ModelInfo:
    """Encode a model as its service sees it."""
    return pb.ModelInfo(
        model=info.model,
        version=version_to_proto(info.version),
        schema=schema_to_proto(info.schema),
        settings=settings_to_proto(info.settings),
        num_bytes=info.num_bytes,
        round_id=info.round_id,
        num_pending=info.num_pending,
        num_accepted=info.num_accepted,
        num_refused=info.num_refused,
    )


def model_info_from_proto(message: pb.ModelInfo) -> ModelInfo:
    """Decode a model as its service sees it."""
    return ModelInfo(
        model=message.model,
        version=version_from_proto(message.version),
        schema=schema_from_proto(message.schema),
        settings=settings_from_proto(message.settings),
        num_bytes=message.num_bytes,
        round_id=message.round_id,
        num_pending=message.num_pending,
        num_accepted=message.num_accepted,
        num_refused=message.num_refused,
    )


def version_info_to_proto(info: VersionInfo) -> pb.VersionInfo:
    """Encode a version that can be pulled."""
    return pb.VersionInfo(
        version=version_to_proto(info.version), tags=info.tags, publish_time=time_to_proto(info.publish_time_s)
    )


def version_info_from_proto(message: pb.VersionInfo) -> VersionInfo:
    """Decode a version that can be pulled."""
    return VersionInfo(version_from_proto(message.version), tuple(message.tags), time_from_proto(message.publish_time))


def worker_info_to_proto(info: WorkerInfo) -> pb.WorkerInfo:
    """Encode a worker of a model."""
    return pb.WorkerInfo(
        client_id=info.client_id,
        incarnation=info.incarnation,
        lease_remaining=duration_to_proto(info.lease_remaining_s),
        num_accepted=info.num_accepted,
        num_refused=info.num_refused,
        last_staleness=info.last_staleness,
    )


def worker_info_from_proto(message: pb.WorkerInfo) -> WorkerInfo:
    """Decode a worker of a model."""
    return WorkerInfo(
        client_id=message.client_id,
        incarnation=message.incarnation,
        lease_remaining_s=duration_from_proto(message.lease_remaining),
        num_accepted=message.num_accepted,
        num_refused=message.num_refused,
        last_staleness=message.last_staleness,
    )


def privacy_status_to_proto(status: PrivacyStatus) -> pb.GetPrivacyStatusResponse:
    """Encode a privacy claim and what has been spent."""
    return pb.GetPrivacyStatusResponse(
        has_claim=status.has_claim, statement=status.statement, epsilon_spent=status.epsilon_spent, delta=status.delta
    )


def privacy_status_from_proto(message: pb.GetPrivacyStatusResponse) -> PrivacyStatus:
    """Decode a privacy claim and what has been spent."""
    return PrivacyStatus(message.has_claim, message.statement, message.epsilon_spent, message.delta)
