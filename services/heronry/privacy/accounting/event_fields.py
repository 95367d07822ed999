"""The classes of events that are accounted for, their fields and what each may hold."""

import enum
import math
from collections.abc import Callable, Mapping
from typing import Final

from heronry.types.errors import InvalidArgumentError

_MOST: Final = 2**53


class FieldKind(enum.Enum):
    """What a field of an event holds."""

    POSITIVE = enum.auto()
    NOT_NEGATIVE = enum.auto()
    PROBABILITY = enum.auto()
    COUNT = enum.auto()
    GAUSSIAN = enum.auto()
    EVENT = enum.auto()
    EVENTS = enum.auto()

    @property
    def is_event(self) -> bool:
        """Whether it holds one event."""
        return self in (FieldKind.GAUSSIAN, FieldKind.EVENT)


FIELDS: Final[Mapping[str, Mapping[str, FieldKind]]] = {
    "GaussianDpEvent": {"noise_multiplier": FieldKind.POSITIVE},
    "PoissonSampledDpEvent": {"sampling_probability": FieldKind.PROBABILITY, "event": FieldKind.GAUSSIAN},
    "TruncatedSubsampledGaussianDpEvent": {
        "dataset_size": FieldKind.COUNT,
        "sampling_probability": FieldKind.PROBABILITY,
        "truncated_batch_size": FieldKind.COUNT,
        "noise_multiplier": FieldKind.POSITIVE,
    },
    "SampledWithoutReplacementDpEvent": {
        "source_dataset_size": FieldKind.COUNT,
        "sample_size": FieldKind.COUNT,
        "event": FieldKind.GAUSSIAN,
    },
    "SingleEpochTreeAggregationDpEvent": {"noise_multiplier": FieldKind.POSITIVE, "step_counts": FieldKind.COUNT},
    "ZCDpEvent": {"rho": FieldKind.NOT_NEGATIVE, "xi": FieldKind.NOT_NEGATIVE},
    "SkellamDpEvent": {
        "variance": FieldKind.POSITIVE,
        "l2_sensitivity": FieldKind.POSITIVE,
        "num_parameters": FieldKind.COUNT,
    },
    "SelfComposedDpEvent": {"event": FieldKind.EVENT, "count": FieldKind.COUNT},
    "ComposedDpEvent": {"events": FieldKind.EVENTS},
    # What a void release is recorded as: no epsilon holds.
    "NonPrivateDpEvent": {},
}


def _real(path: str, value: object, allowed: str, is_allowed: Callable[[float], bool]) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidArgumentError.of(path, value, allowed)
    if not is_allowed(float(value)):
        raise InvalidArgumentError.of(path, value, allowed)
    return float(value)


def _positive(path: str, value: object) -> float:
    return _real(path, value, "above 0, finite", lambda real: real > 0)


def _not_negative(path: str, value: object) -> float:
    return _real(path, value, "0 or above, finite", lambda real: real >= 0)


def _probability(path: str, value: object) -> float:
    return _real(path, value, "above 0, at most 1", lambda real: 0 < real <= 1)


def _count(path: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST:
        raise InvalidArgumentError.of(path, value, f"a whole number from 1 to {_MOST}")
    return value


CHECKS: Final[Mapping[FieldKind, Callable[[str, object], float]]] = {
    FieldKind.POSITIVE: _positive,
    FieldKind.NOT_NEGATIVE: _not_negative,
    FieldKind.PROBABILITY: _probability,
    FieldKind.COUNT: _count,
}
