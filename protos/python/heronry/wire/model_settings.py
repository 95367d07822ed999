"""Settings of models ⇄ messages."""

from collections.abc import Mapping
from typing import Final, assert_never

from heronry.api.params.v1 import params_pb2 as pb
from heronry.types import aggregation as rules
from heronry.types.aggregation import DEFAULT_HELD_BYTES, Aggregation, AggregationRule
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    LatePolicy,
    SampledRounds,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.errors import InvalidArgumentError
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
from heronry.wire.levels import level_from_proto, level_to_proto
from heronry.wire.privacy import privacy_from_proto, privacy_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto

_PlainRule = rules.Mean | rules.Sum | rules.WeightedMean | rules.Median | rules.GeometricMedian
_PLAIN_RULES: Final[dict[str | None, type[_PlainRule]]] = {
    None: rules.Mean,
    "mean": rules.Mean,
    "sum": rules.Sum,
    "weighted_mean": rules.WeightedMean,
    "median": rules.Median,
    "geometric_median": rules.GeometricMedian,
}
_LATE: Final = {
    pb.LATE_POLICY_UNSPECIFIED: LatePolicy.REFUSE,
    pb.LATE_POLICY_REFUSE: LatePolicy.REFUSE,
    pb.LATE_POLICY_KEEP: LatePolicy.KEEP,
}
_LATE_NUMBERS: Final = {LatePolicy.REFUSE: pb.LATE_POLICY_REFUSE, LatePolicy.KEEP: pb.LATE_POLICY_KEEP}


def aggregation_to_proto(aggregation: Aggregation) -> pb.Aggregation:
    """Encode how the contributions of a round become an update."""
    message = pb.Aggregation(grid_step=aggregation.grid_step, max_held_bytes=aggregation.max_held_bytes)
    rule = aggregation.rule
    if isinstance(rule, rules.Mean):
        message.mean.SetInParent()
    elif isinstance(rule, rules.Sum):
        message.sum.SetInParent()
    elif isinstance(rule, rules.WeightedMean):
        message.weighted_mean.SetInParent()
    elif isinstance(rule, rules.FederatedMean):
        message.federated_mean.max_samples = rule.max_samples
    elif isinstance(rule, rules.NormBoundedMean):
        message.norm_bounded_mean.max_norm = rule.max_norm
    elif isinstance(rule, rules.Median):
        message.median.SetInParent()
    elif isinstance(rule, rules.TrimmedMean):
        message.trimmed_mean.num_trimmed = rule.num_trimmed
    elif isinstance(rule, rules.Krum):
        message.krum.num_byzantine, message.krum.num_selected = rule.num_byzantine, rule.num_selected
    elif isinstance(rule, rules.GeometricMedian):
        message.geometric_median.SetInParent()
    else:
        assert_never(rule)
    return message


def aggregation_from_proto(message: pb.Aggregation) -> Aggregation:
    """Decode how the contributions of a round become an update, its ranges checked."""
    return Aggregation(_rule_from_proto(message), message.grid_step, message.max_held_bytes or DEFAULT_HELD_BYTES)


def consistency_to_proto(consistency: Consistency) -> pb.Consistency:
    """Encode when contributions become a version."""
    if isinstance(consistency, SynchronousRounds):
        return pb.Consistency(
            synchronous=pb.SynchronousRounds(
                cohort_size=consistency.cohort_size,
                quorum=consistency.fewest,
                deadline=duration_to_proto(consistency.deadline_s),
                num_extra=consistency.num_extra,
                late=_LATE_NUMBERS[consistency.late],
                min_workers=consistency.min_workers or 0,
            )
        )
    if isinstance(consistency, StaleSynchronous):
        bounded = pb.StaleSynchronous(max_lead=consistency.max_lead, max_staleness=consistency.max_staleness)
        return pb.Consistency(stale_synchronous=bounded)
    if isinstance(consistency, Asynchronous):
        return pb.Consistency(
            asynchronous=pb.Asynchronous(
                max_staleness=consistency.max_staleness, staleness_exponent=consistency.staleness_exponent
            )
        )
    if isinstance(consistency, BufferedAsynchronous):
        return pb.Consistency(
            buffered=pb.BufferedAsynchronous(
                num_contributions=consistency.num_contributions,
                max_staleness=consistency.max_staleness,
                staleness_exponent=consistency.staleness_exponent,
            )
        )
    if isinstance(consistency, SampledRounds):
        return pb.Consistency(sampled=_sampled_to_proto(consistency))
    assert_never(consistency)


def consistency_from_proto(message: pb.Consistency) -> Consistency:
    """Decode when contributions become a version, its ranges checked."""
    mode = message.WhichOneof("mode")
    if mode == "synchronous":
        return _synchronous_from_proto(message.synchronous)
    if mode == "stale_synchronous":
        return StaleSynchronous(message.stale_synchronous.max_lead, message.stale_synchronous.max_staleness)
    if mode == "buffered":
        buffered = message.buffered
        return BufferedAsynchronous(buffered.num_contributions, buffered.max_staleness, buffered.staleness_exponent)
    if mode == "sampled":
        return _sampled_from_proto(message.sampled)
    if mode == "asynchronous":
        return Asynchronous(message.asynchronous.max_staleness, message.asynchronous.staleness_exponent)
    return Asynchronous()


def optimizer_to_proto(optimizer: ServerOptimizer) -> pb.ServerOptimizer:
    """Encode how an update becomes values."""
    if isinstance(optimizer, SgdOptimizer):
        sgd = pb.SgdOptimizer(
            learning_rate=optimizer.learning_rate, momentum=optimizer.momentum, nesterov=optimizer.nesterov
        )
        return pb.ServerOptimizer(sgd=sgd)
    if isinstance(optimizer, AdagradOptimizer):
        adagrad = pb.AdagradOptimizer(
            learning_rate=optimizer.learning_rate,
            initial_accumulator=optimizer.initial_accumulator,
            epsilon=optimizer.epsilon,
        )
        return pb.ServerOptimizer(adagrad=adagrad)
    if isinstance(optimizer, MixingOptimizer):
        return pb.ServerOptimizer(mixing=pb.MixingOptimizer(rate=optimizer.rate))
    if isinstance(optimizer, AdamOptimizer):
        return pb.ServerOptimizer(adam=pb.AdamOptimizer(**_moments(optimizer)))
    if isinstance(optimizer, YogiOptimizer):
        return pb.ServerOptimizer(yogi=pb.YogiOptimizer(**_moments(optimizer)))
    assert_never(optimizer)


def optimizer_from_proto(message: pb.ServerOptimizer) -> ServerOptimizer:
    """Decode how an update becomes values, its ranges checked."""
    kind = message.WhichOneof("kind")
    if kind == "sgd":
        return SgdOptimizer(message.sgd.learning_rate, message.sgd.momentum, message.sgd.nesterov)
    if kind == "adam":
        adam = message.adam
        return AdamOptimizer(adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon)
    if kind == "yogi":
        yogi = message.yogi
        return YogiOptimizer(yogi.learning_rate, yogi.beta1, yogi.beta2, yogi.epsilon)
    if kind == "adagrad":
        adagrad = message.adagrad
        return AdagradOptimizer(adagrad.learning_rate, adagrad.initial_accumulator, adagrad.epsilon)
    if kind == "mixing":
        return MixingOptimizer(message.mixing.rate)
    raise InvalidArgumentError.of("settings.optimizer", "", "sgd, adam, yogi, adagrad, mixing")


def group_optimizers_to_proto(groups: Mapping[str, ServerOptimizer]) -> dict[str, pb.ServerOptimizer]:
    """Encode the optimisers of groups, by the group's name."""
    return {group: optimizer_to_proto(optimizer) for group, optimizer in groups.items()}


def limits_to_proto(limits: ContributionLimits) -> pb.ContributionLimits:
    """Encode what is refused."""
    return pb.ContributionLimits(
        max_norm=limits.max_norm or 0.0, max_weight=limits.max_weight, requires_lease=limits.requires_lease
    )


def limits_from_proto(message: pb.ContributionLimits) -> ContributionLimits:
    """Decode what is refused, its ranges checked."""
    weight = message.max_weight or ContributionLimits().max_weight
    return ContributionLimits(message.max_norm or None, weight, message.requires_lease)


def settings_to_proto(settings: ModelSettings) -> pb.ModelSettings:
    """Encode how a model is updated."""
    return pb.ModelSettings(
        consistency=consistency_to_proto(settings.consistency),
        aggregation=aggregation_to_proto(settings.aggregation),
        optimizer=optimizer_to_proto(settings.optimizer),
        limits=limits_to_proto(settings.limits),
        acknowledgement=level_to_proto(settings.acknowledgement),
        num_versions_kept=settings.num_versions_kept,
        privacy=None if settings.privacy is None else privacy_to_proto(settings.privacy),
        shard=None if settings.shard is None else _shard_to_proto(settings.shard),
        group_optimizers=group_optimizers_to_proto(settings.group_optimizers),
    )


def settings_from_proto(message: pb.ModelSettings) -> ModelSettings:
    """Decode how a model is updated, its ranges checked."""
    return ModelSettings(
        consistency=consistency_from_proto(message.consistency),
        aggregation=aggregation_from_proto(message.aggregation),
        optimizer=optimizer_from_proto(message.optimizer),
        limits=limits_from_proto(message.limits),
        acknowledgement=level_from_proto(message.acknowledgement, default=AcknowledgementLevel.PROCESS),
        num_versions_kept=message.num_versions_kept,
        privacy=privacy_from_proto(message.privacy) if message.HasField("privacy") else None,
        shard=_shard_from_proto(message.shard) if message.HasField("shard") else None,
        group_optimizers={group: optimizer_from_proto(one) for group, one in message.group_optimizers.items()},
    )


def _moments(optimizer: AdamOptimizer | YogiOptimizer) -> dict[str, float]:
    return {
        "learning_rate": optimizer.learning_rate,
        "beta1": optimizer.beta1,
        "beta2": optimizer.beta2,
        "epsilon": optimizer.epsilon,
    }


def _rule_from_proto(message: pb.Aggregation) -> AggregationRule:
    kind = message.WhichOneof("rule")
    if kind == "federated_mean":
        return rules.FederatedMean(message.federated_mean.max_samples)
    if kind == "norm_bounded_mean":
        return rules.NormBoundedMean(message.norm_bounded_mean.max_norm)
    if kind == "trimmed_mean":
        return rules.TrimmedMean(message.trimmed_mean.num_trimmed)
    if kind == "krum":
        return rules.Krum(message.krum.num_byzantine, message.krum.num_selected)
    return _PLAIN_RULES[kind]()


def _sampled_to_proto(sampled: SampledRounds) -> pb.SampledRounds:
    message = pb.SampledRounds(
        num_clients=sampled.num_clients,
        deadline=duration_to_proto(sampled.deadline_s),
        max_cohort=sampled.max_cohort or 0,
        min_clients=sampled.min_clients or 0,
        closes_early=sampled.closes_early,
    )
    if sampled.sampling_rate is not None:
        message.sampling_rate = sampled.sampling_rate
    if sampled.cohort_size is not None:
        message.cohort_size = sampled.cohort_size
    return message


def _sampled_from_proto(message: pb.SampledRounds) -> SampledRounds:
    sampling = message.WhichOneof("sampling")
    return SampledRounds(
        num_clients=message.num_clients,
        deadline_s=duration_from_proto(message.deadline),
        sampling_rate=message.sampling_rate if sampling == "sampling_rate" else None,
        max_cohort=message.max_cohort or None,
        cohort_size=message.cohort_size if sampling == "cohort_size" else None,
        min_clients=message.min_clients or None,
        closes_early=message.closes_early,
    )


def _synchronous_from_proto(message: pb.SynchronousRounds) -> SynchronousRounds:
    if message.late not in _LATE:
        allowed = ", ".join(policy.value for policy in LatePolicy)
        raise InvalidArgumentError.of("consistency.synchronous.late", int(message.late), allowed)
    return SynchronousRounds(
        cohort_size=message.cohort_size,
        quorum=message.quorum,
        deadline_s=duration_from_proto(message.deadline),
        num_extra=message.num_extra,
        late=_LATE[message.late],
        min_workers=message.min_workers or None,
    )


def _shard_to_proto(shard: Shard) -> pb.Shard:
    return pb.Shard(index=shard.index, num_shards=shard.num_shards, first_address=shard.first_address)


def _shard_from_proto(message: pb.Shard) -> Shard:
    return Shard(message.index, message.num_shards, message.first_address)
