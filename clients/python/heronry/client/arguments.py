"""Checks of what callers hand over, so that a wrong type is a named error and not a failure deep inside."""

from collections.abc import Mapping

import numpy as np

from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError
from heronry.types.field_checks import MAX_COUNT, MAX_DURATION_S, duration, finite_number, share, whole_number
from heronry.types.version import ParameterVersion

MAX_CREDITS = 2**32 - 1
"""The most batches that a reader can have out: the wire counts them in 32 bits."""
_MAX_SHOWN = 80


def check_name(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is a string; whether something has that name the service knows."""
    if not isinstance(value, str):
        raise InvalidArgumentError.of(field, value, "a string")


def check_count(field: str, value: object, minimum: int = 1, maximum: int = MAX_COUNT) -> None:
    """Raise InvalidArgumentError unless `value` is a whole number from `minimum` to `maximum`."""
    whole_number(field, value, minimum, maximum)


def check_version(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is a version."""
    if not isinstance(value, ParameterVersion):
        raise InvalidArgumentError.of(field, value, "a ParameterVersion, as `version` of what was pulled")
    whole_number(f"{field}.epoch", value.epoch)
    whole_number(f"{field}.number", value.number)


def check_kind(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is a kind of contribution."""
    if not isinstance(value, ContributionKind):
        raise InvalidArgumentError.of(field, value, ", ".join(str(kind) for kind in ContributionKind))


def check_weight(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is a number above 0; how large it may be the model says."""
    finite_number(field, value, lambda number: number > 0, "a number above 0, finite")


def check_seconds(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is None or a duration of at least 0."""
    if value is not None:
        duration(field, value, 0.0)


def check_timeout(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is None or a number of seconds; a negative one has passed already."""
    if value is not None:
        finite_number(field, value, lambda number: number <= MAX_DURATION_S, f"seconds, at most {MAX_DURATION_S}")


def check_optional_name(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is None or a string."""
    if value is not None:
        check_name(field, value)


def check_selection(number: object, tag: object) -> None:
    """Raise InvalidArgumentError unless a version is chosen by a number, by a tag or not at all."""
    if number is not None:
        check_count("number", number, 0)
    check_optional_name("tag", tag)
    if number is not None and tag is not None:
        raise InvalidArgumentError.of("tag", tag, f"None, as number is {number}: one of the two")


def check_arrays(field: str, value: object) -> None:
    """Raise SchemaMismatchError unless `value` maps names to arrays."""
    if not isinstance(value, Mapping):
        raise SchemaMismatchError.of(field, shown(value), "a mapping of names to NumPy arrays")
    for name, array in value.items():
        if not isinstance(name, str):
            raise SchemaMismatchError.of(field, name, "names that are strings")
        if not _is_array(array):
            raise SchemaMismatchError.of(f"{field}.{name}", shown(array), "a NumPy array")


def check_codec(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is a codec."""
    if not isinstance(value, ParameterCodec):
        raise InvalidArgumentError.of(field, value, ", ".join(str(codec) for codec in ParameterCodec))


def check_share(field: str, value: object) -> None:
    """Raise InvalidArgumentError unless `value` is a share, above 0 and at most 1."""
    share(field, value)


def _is_array(value: object) -> bool:
    # By what is used of it, so that arrays of other libraries pass where NumPy understands their types.
    try:
        np.dtype(value.dtype)  # type: ignore[attr-defined]  # that is the question
        tuple(value.shape)  # type: ignore[attr-defined]  # as above
    except (AttributeError, TypeError):
        return False
    return True


def shown(value: object) -> object:
    """Return a value for a message, or its type: a whole data set handed over by mistake does not belong in one."""
    return value if len(repr(value)) <= _MAX_SHOWN else type(value)
