"""Why a round of secure aggregation, or a message of it, is refused; the classes that travel over the wire."""

from heronry.types.errors import (
    MalformedMessageError,
    RepeatedMessageError,
    RoundAbandonedError,
    StrangerError,
    UnexpectedMessageError,
    UnmaskRefusedError,
    UnsoundRoundError,
)

__all__ = [
    "MalformedMessageError",
    "RepeatedMessageError",
    "RoundAbandonedError",
    "StrangerError",
    "UnexpectedMessageError",
    "UnmaskRefusedError",
    "UnsoundRoundError",
]
