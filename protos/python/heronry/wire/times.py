"""Durations and points in time as plain seconds."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_NANOS = 1_000_000_000


def duration_to_proto(seconds: float) -> Duration:
    """Return the duration, to the nanosecond."""
    whole, nanos = divmod(round(seconds * _NANOS), _NANOS)
    return Duration(seconds=whole, nanos=nanos)


def duration_from_proto(duration: Duration) -> float:
    """Return the duration in seconds."""
    return duration.seconds + duration.nanos / _NANOS


def time_to_proto(seconds: float) -> Timestamp:
    """Return the point in time from seconds since 1970."""
    whole, nanos = divmod(round(seconds * _NANOS), _NANOS)
    return Timestamp(seconds=whole, nanos=nanos)


def time_from_proto(timestamp: Timestamp) -> float:
    """Return seconds since 1970."""
    return timestamp.seconds + timestamp.nanos / _NANOS
