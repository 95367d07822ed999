"""Asynchronous modes: whoever comes is counted."""

from heronry.params.core.conditions import NOTHING, Conditions, round_condition, waits
from heronry.params.core.consistency.mode import Due, Surroundings
from heronry.params.core.rounds import Round
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    SampledRounds,
    StaleSynchronous,
    SynchronousRounds,
    round_size,
)
from heronry.types.contribution import ContributionHeader
from heronry.types.errors import FailedPreconditionError

_RETRY_S = 1.0


class ArrivalMode:
    """Counts whoever comes; a round closes at its number of contributions, which may be one."""

    def __init__(
        self, settings: Asynchronous | BufferedAsynchronous | StaleSynchronous, surroundings: Surroundings
    ) -> None:
        self._surroundings = surroundings
        self._settings = settings
        self.deadline_s: float | None = None
        self.cohort_size = 0

    @property
    def round_size(self) -> int:
        """Contributions that close a round at once."""
        return round_size(self._settings)

    @property
    def max_staleness(self) -> int:
        """Versions that the base of a contribution may lie behind."""
        return self._settings.max_staleness

    def factor_of(self, staleness: int) -> float:
        """Return `(1 + staleness) ** -staleness_exponent`.

        Source: Xie et al. 2019, "Asynchronous Federated Optimization", section 5.2, polynomial.
        """
        exponent = 0.0 if isinstance(self._settings, StaleSynchronous) else self._settings.staleness_exponent
        # Without an exponent, or staleness, the factor is 1 exactly.
        return float((1.0 + staleness) ** -exponent)

    def answered_round(self, header: ContributionHeader, opened: Round) -> int:
        """Return the open round; another one must not be named."""
        if header.round_id not in {0, opened.round_id}:
            raise not_open(header.round_id, opened)
        return opened.round_id

    def begin(self, opened: Round, now_s: float) -> Conditions:
        """Invite everybody."""
        self.deadline_s = None
        return frozenset({round_condition(self._surroundings.name, opened.round_id)})

    def count(self, client_id: str, answered_round: int, opened: Round, now_s: float) -> Conditions:
        """Take notice of a contribution."""
        return NOTHING

    def workers_changed(self, opened: Round, now_s: float) -> Conditions:
        """Take notice of a worker that came or went."""
        return NOTHING

    def poll(self, opened: Round, now_s: float) -> Due:
        """Close the round when an update of the settings has completed it."""
        is_postponed = self.deadline_s is not None and now_s < self.deadline_s
        return Due(closes=opened.num_contributions >= self.round_size and not is_postponed)

    def postpone(self, opened: Round, now_s: float) -> Conditions:
        """Try again a little later."""
        self.deadline_s = now_s + _RETRY_S
        return NOTHING

    def invite(self, client_id: str, after: int, opened: Round, now_s: float) -> float | None:
        """Invite everybody to every round."""
        if opened.round_id <= after:
            name = self._surroundings.name
            condition = round_condition(name, after + 1)
            raise waits(condition, "worker", f"round of {name!r}", opened.round_id, after + 1)
        return None

    def check_lead(self, client_id: str, now_s: float) -> None:
        """Let everybody go on."""

    def resume(self, opened: Round) -> Conditions:
        """Invite everybody."""
        self.deadline_s = None
        return frozenset({round_condition(self._surroundings.name, opened.round_id)})

    def change(self, settings: Consistency) -> Conditions:
        """Take over other figures."""
        if not isinstance(settings, SynchronousRounds | SampledRounds):
            self._settings = settings
        return NOTHING


def not_open(round_id: int, opened: Round) -> FailedPreconditionError:
    """Return the refusal of a contribution to a round that is closed or not yet open."""
    details = {"field": "round_id", "value": str(round_id), "allowed": f"{opened.round_id}, 0"}
    return FailedPreconditionError(f"round_id: got {round_id}, allowed: {opened.round_id} (open) or 0", details=details)
