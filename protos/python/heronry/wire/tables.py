"""Declarations and figures of replay tables ⇄ messages."""

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.blocking import Waiting
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.patterns import Pattern
from heronry.types.tables import (
    Delivery,
    PartialEpisodes,
    RateLimiter,
    Selector,
    SelectorKind,
    TableDefinition,
    TableInfo,
)
from heronry.wire.columns import column_spec_from_proto, column_spec_to_proto
from heronry.wire.levels import level_from_proto, level_to_proto
from heronry.wire.patterns import pattern_from_proto, pattern_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto

_KINDS = {
    SelectorKind.FIFO: pb.SELECTOR_KIND_FIFO,
    SelectorKind.UNIFORM: pb.SELECTOR_KIND_UNIFORM,
    SelectorKind.PRIORITIZED: pb.SELECTOR_KIND_PRIORITIZED,
    SelectorKind.LIFO: pb.SELECTOR_KIND_LIFO,
    SelectorKind.MIN_HEAP: pb.SELECTOR_KIND_MIN_HEAP,
    SelectorKind.MAX_HEAP: pb.SELECTOR_KIND_MAX_HEAP,
}
_KIND_OF: dict[int, SelectorKind] = {number: kind for kind, number in _KINDS.items()}
_DELIVERIES = {
    Delivery.AT_MOST_ONCE: pb.DELIVERY_AT_MOST_ONCE,
    Delivery.AT_LEAST_ONCE: pb.DELIVERY_AT_LEAST_ONCE,
}
_PARTIALS = {
    PartialEpisodes.KEEP: pb.PARTIAL_EPISODES_KEEP,
    PartialEpisodes.DROP: pb.PARTIAL_EPISODES_DROP,
}
_PARTIAL_OF: dict[int, PartialEpisodes] = {number: partial for partial, number in _PARTIALS.items()}
_DELIVERY_OF: dict[int, Delivery] = {number: delivery for delivery, number in _DELIVERIES.items()}


def selector_to_proto(selector: Selector) -> pb.Selector:
    """Encode a selector."""
    return pb.Selector(kind=_KINDS[selector.kind], priority_exponent=selector.priority_exponent)


def selector_from_proto(message: pb.Selector) -> Selector:
    """Decode a selector.

    Raises:
      InvalidArgumentError: the kind is none of those there are, or the exponent is out of range.
    """
    kind = _KIND_OF.get(message.kind)
    if kind is None:
        raise InvalidArgumentError.of("selector.kind", int(message.kind), ", ".join(k.name for k in _KINDS))
    return Selector(kind, message.priority_exponent)


def rate_limiter_to_proto(limiter: RateLimiter) -> pb.RateLimiter:
    """Encode a rate limiter."""
    return pb.RateLimiter(
        samples_per_insert=limiter.samples_per_insert,
        min_size=limiter.min_size,
        min_diff=limiter.min_diff,
        max_diff=limiter.max_diff,
    )


def rate_limiter_from_proto(message: pb.RateLimiter) -> RateLimiter:
    """Decode a rate limiter, its ranges checked."""
    return RateLimiter(message.samples_per_insert, message.min_size, message.min_diff, message.max_diff)


def table_definition_to_proto(definition: TableDefinition) -> pb.TableDefinition:
    """Encode a table's definition."""
    return pb.TableDefinition(
        table=definition.table,
        sampler=selector_to_proto(definition.sampler),
        remover=selector_to_proto(definition.remover),
        rate_limiter=rate_limiter_to_proto(definition.rate_limiter),
        max_size=definition.max_size,
        max_times_sampled=definition.max_times_sampled,
        max_lag=definition.max_lag,
        pattern=pattern_to_proto(definition.pattern),
        acknowledgement=level_to_proto(definition.acknowledgement),
        delivery=_DELIVERIES[definition.delivery],
        columns=[column_spec_to_proto(c) for c in definition.columns],
        seed=definition.seed,
        max_bytes=definition.max_bytes,
        partial_episodes=_PARTIALS[definition.partial_episodes],
        compressed_columns=definition.compressed_columns,
        spill=definition.spill,
    )


def table_definition_from_proto(message: pb.TableDefinition) -> TableDefinition:
    """Decode a table's definition, its ranges checked; an absent pattern is one step an item."""
    return TableDefinition(
        table=message.table,
        sampler=selector_from_proto(message.sampler),
        remover=selector_from_proto(message.remover),
        rate_limiter=rate_limiter_from_proto(message.rate_limiter),
        max_size=message.max_size,
        max_times_sampled=message.max_times_sampled,
        max_lag=message.max_lag if message.HasField("max_lag") else None,
        pattern=pattern_from_proto(message.pattern) if message.HasField("pattern") else Pattern(),
        acknowledgement=level_from_proto(message.acknowledgement, default=AcknowledgementLevel.MEMORY),
        delivery=_DELIVERY_OF.get(message.delivery, Delivery.AT_MOST_ONCE),
        columns=tuple(column_spec_from_proto(c) for c in message.columns),
        seed=message.seed,
        max_bytes=message.max_bytes,
        partial_episodes=_PARTIAL_OF.get(message.partial_episodes, PartialEpisodes.KEEP),
        compressed_columns=tuple(message.compressed_columns),
        spill=message.spill,
    )


def waiting_to_proto(waiting: Waiting) -> pb.Waiting:
    """Encode why a side waits."""
    return pb.Waiting(
        side=waiting.side,
        term=waiting.term,
        value=waiting.value,
        bound=waiting.bound,
        waited=duration_to_proto(waiting.waited_s),
    )


def waiting_from_proto(message: pb.Waiting) -> Waiting:
    """Decode why a side waits."""
    return Waiting(message.side, message.term, message.value, message.bound, duration_from_proto(message.waited))


def table_info_to_proto(info: TableInfo) -> pb.TableInfo:
    """Encode a table's figures."""
    return pb.TableInfo(
        definition=table_definition_to_proto(info.definition),
        num_items=info.num_items,
        num_bytes=info.num_bytes,
        num_inserts=info.num_inserts,
        num_samples=info.num_samples,
        num_deletes=info.num_deletes,
        num_lagging=info.num_lagging,
        num_writers=info.num_writers,
        waiting=[waiting_to_proto(w) for w in info.waiting],
        num_step_bytes=info.num_step_bytes,
        num_ignored=info.num_ignored,
        num_recovered=info.num_recovered,
        mass=info.mass,
        shard=info.shard,
        durable_position=info.durable_position,
    )


def table_info_from_proto(message: pb.TableInfo) -> TableInfo:
    """Decode a table's figures."""
    return TableInfo(
        definition=table_definition_from_proto(message.definition),
        num_items=message.num_items,
        num_bytes=message.num_bytes,
        num_inserts=message.num_inserts,
        num_samples=message.num_samples,
        num_deletes=message.num_deletes,
        num_lagging=message.num_lagging,
        num_writers=message.num_writers,
        waiting=tuple(waiting_from_proto(w) for w in message.waiting),
        num_step_bytes=message.num_step_bytes,
        num_ignored=message.num_ignored,
        num_recovered=message.num_recovered,
        mass=message.mass,
        shard=message.shard,
        durable_position=message.durable_position,
    )
