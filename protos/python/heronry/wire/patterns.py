"""Patterns of replay tables ⇄ messages."""

from heronry.api.replay.v1 import replay_pb2 as pb
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn, StackStart

_ENDS = {
    EpisodeEnd.CROSS: pb.EPISODE_END_CROSS,
    EpisodeEnd.DROP: pb.EPISODE_END_DROP,
    EpisodeEnd.SHORTEN: pb.EPISODE_END_SHORTEN,
}
_END_OF: dict[int, EpisodeEnd] = {number: end for end, number in _ENDS.items()}


def pattern_to_proto(pattern: Pattern) -> pb.Pattern:
    """Encode a pattern."""
    return pb.Pattern(
        num_steps=pattern.num_steps,
        period=pattern.period,
        columns=[_column_to_proto(c) for c in pattern.columns],
        episode_end=_ENDS[pattern.episode_end],
        end_columns=pattern.end_columns,
        min_steps=pattern.min_steps,
    )


def pattern_from_proto(message: pb.Pattern) -> Pattern:
    """Decode a pattern, its ranges checked."""
    return Pattern(
        num_steps=message.num_steps,
        period=message.period,
        columns=tuple(_column_from_proto(c) for c in message.columns),
        episode_end=_END_OF.get(message.episode_end, EpisodeEnd.CROSS),
        end_columns=tuple(message.end_columns),
        min_steps=message.min_steps or 1,
    )


def _column_to_proto(column: PatternColumn) -> pb.PatternColumn:
    is_zero = column.stack_start is StackStart.ZERO
    return pb.PatternColumn(
        output=column.output,
        column=column.column,
        start=column.start,
        stop=column.stop or 0,
        squeeze=column.squeeze,
        stack=column.stack,
        stack_start=pb.STACK_START_ZERO if is_zero else pb.STACK_START_REPEAT,
    )


def _column_from_proto(message: pb.PatternColumn) -> PatternColumn:
    is_zero = message.stack_start == pb.STACK_START_ZERO
    return PatternColumn(
        column=message.column,
        output=message.output,
        start=message.start,
        stop=message.stop or None,
        squeeze=message.squeeze,
        stack=message.stack or 1,
        stack_start=StackStart.ZERO if is_zero else StackStart.REPEAT,
    )
