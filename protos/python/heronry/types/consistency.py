"""When contributions become a version, and who may contribute."""

import enum
from dataclasses import dataclass

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import (
    MAX_SMALL_COUNT,
    check_type,
    duration,
    finite_number,
    number_from_zero,
    whole_number,
)


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
        _set_count(self, field, "cohort_size", 1)
        if self.quorum is not None:
            quorum = whole_number(f"{field}.quorum", self.quorum, 1, self.cohort_size, " (the cohort), or none")
            object.__setattr__(self, "quorum", quorum)
        object.__setattr__(self, "deadline_s", duration(f"{field}.deadline_s", self.deadline_s))
        _set_count(self, field, "num_extra", 0)
        check_type(f"{field}.late", self.late, LatePolicy)
        if self.min_workers is not None:
            _set_count(self, field, "min_workers", 1)

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
        max_lead = whole_number("consistency.stale_synchronous.max_lead", self.max_lead)
        object.__setattr__(self, "max_lead", max_lead)
        _set_staleness(self, "consistency.stale_synchronous")


@dataclass(frozen=True)
class Asynchronous:
    """Applies each contribution at once, multiplied by `(1 + staleness) ** -staleness_exponent` (Xie et al. 2019).

    Attributes:
      max_staleness: versions a contribution's base may lie behind; older ones are refused.
    """

    max_staleness: int = 8
    staleness_exponent: float = 0.0

    def __post_init__(self) -> None:
        _set_staleness(self, "consistency.asynchronous")
        _set_exponent(self, "consistency.asynchronous")


@dataclass(frozen=True)
class BufferedAsynchronous:
    """Releases an update after `num_contributions` (Nguyen et al. 2022); otherwise as `Asynchronous`."""

    num_contributions: int
    max_staleness: int = 8
    staleness_exponent: float = 0.0

    def __post_init__(self) -> None:
        _set_count(self, "consistency.buffered", "num_contributions", 1)
        _set_staleness(self, "consistency.buffered")
        _set_exponent(self, "consistency.buffered")


@dataclass(frozen=True)
class SampledRounds:
    """Rounds with a secret cohort, drawn from all clients there are; for models with a privacy claim.

    Either every client is drawn by a coin of its own (`sampling_rate`, Poisson sampling), or so many of all of them
    (`cohort_size`). Whoever is drawn and does not answer counts as zero.

    Attributes:
      num_clients: clients there are, with a lease or not; a public number.
      deadline_s: from the opening of a round, which ends then, with whatever has come.
      sampling_rate: probability of being drawn, in (0, 1]; None: cohorts of `cohort_size`.
      max_cohort: of a Poisson cohort so many stay at most; None: all.
      cohort_size: drawn without replacement; None: Poisson cohorts.
      min_clients: with a lease before a round opens; None: all.
      closes_early: whether a round ends as soon as its cohort has answered. It is faster, and the end then depends on
        who was drawn: the claim assumes that whoever sees versions does not see when they appear.
    """

    num_clients: int
    deadline_s: float = 60.0
    sampling_rate: float | None = None
    max_cohort: int | None = None
    cohort_size: int | None = None
    min_clients: int | None = None
    closes_early: bool = False

    def __post_init__(self) -> None:
        field = "consistency.sampled"
        check_type(f"{field}.closes_early", self.closes_early, bool)
        _set_count(self, field, "num_clients", 1)
        object.__setattr__(self, "deadline_s", duration(f"{field}.deadline_s", self.deadline_s))
        if (self.sampling_rate is None) == (self.cohort_size is None):
            given = {"sampling_rate": self.sampling_rate, "cohort_size": self.cohort_size}
            raise InvalidArgumentError.of(field, given, "one of sampling_rate and cohort_size")
        if self.sampling_rate is not None:
            allowed = "above 0, at most 1"
            rate = finite_number(f"{field}.sampling_rate", self.sampling_rate, lambda q: 0 < q <= 1, allowed)
            object.__setattr__(self, "sampling_rate", rate)
        for name in ("max_cohort", "cohort_size", "min_clients"):
            if getattr(self, name) is not None:
                size = whole_number(f"{field}.{name}", getattr(self, name), 1, self.num_clients, " (num_clients)")
                object.__setattr__(self, name, size)
        if self.cohort_size is not None and self.max_cohort is not None:
            raise InvalidArgumentError.of(f"{field}.max_cohort", self.max_cohort, "none, with a cohort_size")

    @property
    def fewest_clients(self) -> int:
        """Clients with a lease before a round opens."""
        return self.num_clients if self.min_clients is None else self.min_clients

    @property
    def expected_size(self) -> float:
        """The size of a cohort, on average: what sums are divided by."""
        if self.cohort_size is not None:
            return float(self.cohort_size)
        return self.num_clients * (self.sampling_rate or 0.0)


Consistency = SynchronousRounds | StaleSynchronous | Asynchronous | BufferedAsynchronous | SampledRounds


def round_size(consistency: Consistency) -> int:
    """Return how many contributions close a round at once."""
    if isinstance(consistency, SynchronousRounds):
        return consistency.cohort_size
    if isinstance(consistency, SampledRounds):
        return consistency.num_clients
    return consistency.num_contributions if isinstance(consistency, BufferedAsynchronous) else 1


def fewest_in_round(consistency: Consistency) -> int:
    """Return with how few contributions a round may close."""
    if isinstance(consistency, SampledRounds):
        return 1
    return consistency.fewest if isinstance(consistency, SynchronousRounds) else round_size(consistency)


def _set_count(mode: Consistency, field: str, name: str, minimum: int) -> None:
    value = whole_number(f"{field}.{name}", getattr(mode, name), minimum, MAX_SMALL_COUNT)
    object.__setattr__(mode, name, value)


def _set_staleness(mode: StaleSynchronous | Asynchronous | BufferedAsynchronous, field: str) -> None:
    object.__setattr__(mode, "max_staleness", whole_number(f"{field}.max_staleness", mode.max_staleness))


def _set_exponent(mode: Asynchronous | BufferedAsynchronous, field: str) -> None:
    exponent = number_from_zero(f"{field}.staleness_exponent", mode.staleness_exponent)
    object.__setattr__(mode, "staleness_exponent", exponent)
