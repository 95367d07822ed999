"""Acknowledgement levels as messages."""

from typing import Final

from heronry.api.common.v1 import acknowledgement_pb2 as pb
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel

_LEVELS: Final = {
    AcknowledgementLevel.MEMORY: pb.ACKNOWLEDGEMENT_LEVEL_MEMORY,
    AcknowledgementLevel.PROCESS: pb.ACKNOWLEDGEMENT_LEVEL_PROCESS,
    AcknowledgementLevel.DISK: pb.ACKNOWLEDGEMENT_LEVEL_DISK,
}
_LEVEL_OF: Final[dict[int, AcknowledgementLevel]] = {number: level for level, number in _LEVELS.items()}


def level_to_proto(level: AcknowledgementLevel) -> pb.AcknowledgementLevel:
    """Return the enum number of an acknowledgement level."""
    return _LEVELS[level]


def level_from_proto(number: int, *, default: AcknowledgementLevel) -> AcknowledgementLevel:
    """Return the acknowledgement level of an enum number; unspecified is `default`.

    Raises:
      InvalidArgumentError: a number without a known level.
    """
    if number == pb.ACKNOWLEDGEMENT_LEVEL_UNSPECIFIED:
        return default
    if number not in _LEVEL_OF:
        raise InvalidArgumentError.of("acknowledgement", number, ", ".join(level.value for level in _LEVELS))
    return _LEVEL_OF[number]
