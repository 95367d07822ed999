"""When contributions become a version, and who may contribute."""

import enum
import math
from dataclasses import dataclass

from heronry.types.errors import InvalidArgumentError


class LatePolicy(enum.Enum):
    """What becomes of a contribution to a round that is closed."""

    REFUSE = "refuse"
    KEEP = "keep"


@dataclass(frozen=True)
class SynchronousRounds:
    """Rounds with a cohort that the server draws from the workers with a lease.

    A round closes when `cohort_size` contributions have come, or at its deadline when `quorum` have. Below
    the quorum it stays open for another `deadline_s` and further workers are drawn in.

    Attributes:
      cohort_size: contributions that close a round at once.
      quorum: fewest contributions that close a round at its deadline; None: `cohort_size`.
      deadline_s: from the opening of a round.
      num_extra: workers invited above `cohort_size`.
      late: contributions to rounds that are closed.
      min_workers: workers with a lease before the first cohort is drawn; None: `cohort_size`.
    """

    cohort_size: int
    quorum: int | None = None
    deadline_s: float = 60.0
    num_extra: int = 0
    late: LatePolicy = LatePolicy.REFUSE
    min_workers: int | None = None

    def __post_init__(self) -> None:
        field = "consistency.synchronous"
        if self.cohort_size < 1:
            raise InvalidArgumentError.of(f"{field}.cohort_size", self.cohort_size, "at least 1")
        if not 1 <= self.fewest <= self.cohort_size:
            raise InvalidArgumentError.of(f"{field}.quorum", self.quorum, f"1 to {self.cohort_size} (the cohort)")
        if not (math.isfinite(self.deadline_s) and self.deadline_s > 0):
            raise InvalidArgumentError.of(f"{field}.deadline_s", self.deadline_s, "above 0, finite")
        if self.num_extra < 0:
            raise InvalidArgumentError.of(f"{field}.num_extra", self.num_extra, "at least 0")
        if self.min_workers is not None and self.min_workers < 1:
            raise InvalidArgumentError.of(f"{field}.min_workers", self.min_workers, "at least 1")

    @property
    def fewest(self) -> int:
        """The quorum in force."""
        return self.cohort_size if self.quorum is None else self.quorum

    @property
    def workers_needed(self) -> int:
        """Workers with a lease before a cohort is drawn."""
        return self.cohort_size if self.min_workers is None else self.min_workers


@dataclass(frozen=True)
class StaleSynchronous:
    """Applies each contribution at once; a worker's pulls wait while it is too far ahead (Ho et al. 2013).

    Attributes:
      max_lead: contributions that a worker may be ahead of the slowest one with a lease.
      max_staleness: versions a contribution's base may lie behind.
    """

    max_lead: int
    max_staleness: int = 64

    def __post_init__(self) -> None:
        if self.max_lead < 0:
            raise InvalidArgumentError.of("consistency.stale_synchronous.max_lead", self.max_lead, "at least 0")
        _check_staleness("stale_synchronous", self.max_staleness)


@dataclass(frozen=True)
class Asynchronous:
    """Applies each contribution at once, multiplied by `(1 + staleness) ** -staleness_exponent` (Xie et al. 2019).

    Attributes:
      max_staleness: versions a contribution's base may lie behind; older ones are refused.
    """

    max_staleness: int = 8
    staleness_exponent: float = 0.0

    def __post_init__(self) -> None:
        _check_staleness("asynchronous", self.max_staleness)
        _check_exponent("asynchronous", self.staleness_exponent)


@dataclass(frozen=True)
class BufferedAsynchronous:
    """Releases an update after `num_contributions` (Nguyen et al. 2022); otherwise as `Asynchronous`."""

    num_contributions: int
    max_staleness: int = 8
    staleness_exponent: float = 0.0

    def __post_init__(self) -> None:
        if self.num_contributions < 1:
            field = "consistency.buffered.num_contributions"
            raise InvalidArgumentError.of(field, self.num_contributions, "at least 1")
        _check_staleness("buffered", self.max_staleness)
        _check_exponent("buffered", self.staleness_exponent)


Consistency = SynchronousRounds | StaleSynchronous | Asynchronous | BufferedAsynchronous


def round_size(consistency: Consistency) -> int:
    """Return how many contributions close a round at once."""
    if isinstance(consistency, SynchronousRounds):
        return consistency.cohort_size
    return consistency.num_contributions if isinstance(consistency, BufferedAsynchronous) else 1


def fewest_in_round(consistency: Consistency) -> int:
    """Return with how few contributions a round may close."""
    return consistency.fewest if isinstance(consistency, SynchronousRounds) else round_size(consistency)


def _check_staleness(mode: str, value: int) -> None:
    if value < 0:
        raise InvalidArgumentError.of(f"consistency.{mode}.max_staleness", value, "at least 0")


def _check_exponent(mode: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise InvalidArgumentError.of(f"consistency.{mode}.staleness_exponent", value, "at least 0, finite")
