"""That what a measurement timed did happen."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from heronry.bench.params.models import CLIPPING_NORM, NOISE_MULTIPLIER

_SHARE_OFF = 0.1
"""Of a mean's largest element: what lossy codecs may change, together; a lost summand changes more."""

_SPREAD_OFF = 0.01
"""Of the noise's standard deviation: the contributions beside it, and its rounding to the grid."""


class MiscountError(RuntimeError):
    """What was timed did not happen as it should: there is no figure."""


def check_same_everywhere(values: Sequence[object], *, expected: object, what: str) -> None:
    """Check that each of some values is the expected one.

    Raises:
      MiscountError: one is not.
    """
    if any(value != expected for value in values):
        raise MiscountError(f"{what}: {list(values)}, not {expected} everywhere")


def check_pulled(answers: Sequence[Mapping[str, Any]]) -> None:
    """Check that all workers pulled the same bytes, by the `checksum` of all in each answer.

    Raises:
      MiscountError: one did not.
    """
    checksums = [answer["checksum"] for answer in answers]
    check_same_everywhere(checksums, expected=checksums[0], what="checksums of what was pulled")


def check_round(answers: Sequence[Mapping[str, Any]], last: Sequence[float] | None, *, is_sum: bool) -> None:
    """Check that all workers pulled the same bytes, and that these are what was pushed.

    Args:
      answers: of the workers, with `pushed` and `pulled` values at the same places and the `checksum` of all.
      last: values at these places before the round; None: zeros.
      is_sum: the sum was pulled; otherwise the values before and the mean.

    Raises:
      MiscountError: one of them does not hold.
    """
    check_pulled(answers)
    pulled = answers[0]["pulled"]
    before = [0.0] * len(pulled) if is_sum or last is None else last
    divisor = 1 if is_sum else len(answers)
    totals = [math.fsum(answer["pushed"][i] for answer in answers) / divisor for i in range(len(pulled))]
    largest = max(abs(value) for answer in answers for value in answer["pushed"])
    for got, old, total in zip(pulled, before, totals, strict=True):
        if abs(got - (old + total)) > _SHARE_OFF * largest:
            raise MiscountError(f"{got} was pulled where {old + total} should be")


def check_spread(spread: float, num_rounds: int, num_contributions: int) -> None:
    """Check that the values of a private model are noise as large as was claimed, of independent draws.

    Args:
      spread: standard deviation of the values, which began at zero.
      num_rounds: versions that were made.
      num_contributions: that each of them is the mean of.

    Raises:
      MiscountError: it is not.
    """
    expected = NOISE_MULTIPLIER * CLIPPING_NORM / num_contributions * math.sqrt(num_rounds)
    if not math.isclose(spread, expected, rel_tol=_SPREAD_OFF):
        raise MiscountError(f"noise of standard deviation {spread} after {num_rounds} rounds, not {expected}")
