"""That what a measurement timed did happen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_SHARE_OFF = 0.1
"""Of a mean's largest element: what lossy codecs may change, together; a lost summand changes more."""


class MiscountError(RuntimeError):
    """What was timed did not happen as it should: there is no figure."""


def check_same_everywhere(values: Sequence[object], *, expected: object, what: str) -> None:
    """Check that each of some values is the expected one.

    Raises:
      MiscountError: one is not.
    """
    if any(value != expected for value in values):
        raise MiscountError(f"{what}: {list(values)}, not {expected} everywhere")


def check_round(answers: Sequence[Mapping[str, Any]], last: Sequence[float] | None, *, is_sum: bool) -> None:
    """Check that all workers pulled the same bytes, and that these are what was pushed.

    Args:
      answers: of the workers, with `pushed` and `pulled` values at the same places and the `checksum` of all.
      last: values at these places before the round; None: zeros.
      is_sum: the sum was pulled; otherwise the values before and the mean.

    Raises:
      MiscountError: one of them does not hold.
    """
    checksums = [answer["checksum"] for answer in answers]
    check_same_everywhere(checksums, expected=checksums[0], what="checksums of what was pulled")
    pulled = answers[0]["pulled"]
    before = [0.0] * len(pulled) if is_sum or last is None else last
    divisor = 1 if is_sum else len(answers)
    totals = [math.fsum(answer["pushed"][i] for answer in answers) / divisor for i in range(len(pulled))]
    largest = max(abs(value) for answer in answers for value in answer["pushed"])
    for got, old, total in zip(pulled, before, totals, strict=True):
        if abs(got - (old + total)) > _SHARE_OFF * largest:
            raise MiscountError(f"{got} was pulled where {old + total} should be")
