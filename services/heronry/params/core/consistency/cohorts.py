"""Synchronous rounds: a cohort is drawn, and waited for."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from heronry.params.core.conditions import NOTHING, Conditions, invitation_condition, waits
from heronry.params.core.consistency.arrivals import not_open
from heronry.params.core.consistency.mode import Due, Surroundings
from heronry.params.core.rounds import Round
from heronry.types.consistency import Consistency, LatePolicy, SynchronousRounds
from heronry.types.contribution import ContributionHeader
from heronry.types.errors import FailedPreconditionError, StaleContributionError

# Rounds back that a late contribution may answer.
_MOST_PAST_ROUNDS: Final = 16


@dataclass(frozen=True)
class _PastRound:
    """A closed round: the version it began at and the members who have not answered."""

    base_number: int
    silent: set[str]


class SynchronousMode:
    """Draws a cohort when a round opens, closes it when it is complete, or at the deadline with the quorum.

    Below the quorum the round stays open and further workers are drawn in. A member whose lease has run out
    stays a member, but is not counted on when others are drawn. Whoever comes while members are wanting is drawn
    in at once: the deadline stays.
    """

    def __init__(self, settings: SynchronousRounds, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self.deadline_s: float | None = None
        self._cohort: set[str] = set()
        self._silent: set[str] = set()
        self._round_id = 0
        self._base_number = 0
        self._retry_s = -math.inf
        # Workers enough are waited for once: the quorum is for those that go later.
        self._has_drawn = False
        self._past: OrderedDict[int, _PastRound] = OrderedDict()

    @property
    def round_size(self) -> int:
        """Contributions that close a round at once."""
        return self._settings.cohort_size

    @property
    def max_staleness(self) -> int:
        """Versions that a late contribution's base may lie behind."""
        return _MOST_PAST_ROUNDS if self._settings.late is LatePolicy.KEEP else 0

    @property
    def cohort_size(self) -> int:
        """Workers drawn for the open round."""
        return len(self._cohort)

    def factor_of(self, staleness: int) -> float:
        """Return 1: late contributions that are kept count like the others."""
        return 1.0

    def answered_round(self, header: ContributionHeader, opened: Round) -> int:
        """Return the round that a contribution was computed for: the open one, or a closed one when late ones are kept.

        Raises:
          FailedPreconditionError: the round is not yet open, the client was not drawn for it or has contributed.
          StaleContributionError: the round is closed and late contributions are refused.
        """
        round_id = header.round_id or self._round_at(header, opened)
        if round_id > opened.round_id:
            raise not_open(round_id, opened)
        if round_id < opened.round_id:
            self._check_late(header.client_id, round_id, opened)
        elif header.client_id in opened.contributors:
            raise _refused("client_id", header.client_id, f"one contribution a round: round {round_id} has counted it")
        elif header.client_id not in self._cohort:
            raise _refused("client_id", header.client_id, f"the cohort of round {round_id}, for which it was not drawn")
        return round_id

    def begin(self, opened: Round, now_s: float) -> Conditions:
        """Draw the cohort of a round, when there are workers enough; the one before is remembered as closed."""
        if self._cohort:
            self._past[self._round_id] = _PastRound(self._base_number, self._silent)
            while len(self._past) > _MOST_PAST_ROUNDS:
                self._past.popitem(last=False)
        self._open(opened)
        return self._draw_first(opened, now_s)

    def count(self, client_id: str, answered_round: int, opened: Round, now_s: float) -> Conditions:
        """Take notice of a contribution: its sender is no longer waited for."""
        if answered_round == self._round_id:
            self._silent.discard(client_id)
            self._surroundings.workers.count_participated(client_id)
        elif answered_round in self._past:
            self._past[answered_round].silent.discard(client_id)
        return NOTHING

    def workers_changed(self, opened: Round, now_s: float) -> Conditions:
        """Draw the cohort when the worker that came was the last one wanting, or fill the one that was drawn."""
        if self.deadline_s is None:
            return self._draw_first(opened, now_s)
        return self._fill(opened, now_s)

    def poll(self, opened: Round, now_s: float) -> Due:
        """Close the round at its deadline when it has the quorum, else draw further workers in."""
        if opened.num_contributions >= self._settings.cohort_size and now_s >= self._retry_s:
            return Due(closes=True)
        if self.deadline_s is None:
            return Due(conditions=self._draw_first(opened, now_s))
        if now_s < self.deadline_s:
            return Due()
        if opened.num_contributions >= self._settings.fewest:
            return Due(closes=True)
        return Due(conditions=self._draw(opened, now_s))

    def postpone(self, opened: Round, now_s: float) -> Conditions:
        """Give the round another deadline, and draw further workers in."""
        self._retry_s = now_s + self._settings.deadline_s
        return self._draw(opened, now_s)

    def invite(self, client_id: str, after: int, opened: Round, now_s: float) -> float | None:
        """Return the time left for a member that has not contributed."""
        is_invited = client_id in self._cohort and client_id not in opened.contributors
        if not is_invited or opened.round_id <= after or self.deadline_s is None:
            name = self._surroundings.name
            condition = invitation_condition(name, client_id)
            raise waits(condition, "worker", f"round of {name!r} for {client_id!r}", after, opened.round_id)
        return max(0.0, self.deadline_s - now_s)

    def check_lead(self, client_id: str, now_s: float) -> None:
        """Let everybody go on: rounds keep workers together."""

    def resume(self, opened: Round) -> Conditions:
        """Forget cohorts; the next one is drawn by `poll`, or when a worker comes."""
        self._past.clear()
        self._open(opened)
        return NOTHING

    def change(self, settings: Consistency) -> Conditions:
        """Take over other figures; they hold from the next draw on."""
        if isinstance(settings, SynchronousRounds):
            self._settings = settings
        return NOTHING

    def _open(self, opened: Round) -> None:
        self._cohort, self._silent = set(), set()
        self._round_id, self._base_number = opened.round_id, self._surroundings.base_number()
        self.deadline_s, self._retry_s = None, -math.inf

    def _draw_first(self, opened: Round, now_s: float) -> Conditions:
        # What a restored round has counted was drawn before the restart.
        needed = 1 if self._has_drawn or opened.num_contributions else self._settings.workers_needed
        if self.deadline_s is not None or len(self._surroundings.workers.live(now_s)) < needed:
            return NOTHING
        self._has_drawn = True
        return self._draw(opened, now_s)

    def _draw(self, opened: Round, now_s: float) -> Conditions:
        """Draw as many as are wanting, and set the deadline."""
        self.deadline_s = now_s + self._settings.deadline_s
        return self._fill(opened, now_s)

    def _fill(self, opened: Round, now_s: float) -> Conditions:
        """Draw as many as are wanting, from those with a lease."""
        live = [c for c in self._surroundings.workers.live(now_s) if self._surroundings.may_join(c)]
        expected = [c for c in live if c in self._cohort and c not in opened.contributors]
        wanting = self._settings.cohort_size + self._settings.num_extra - opened.num_contributions - len(expected)
        strangers = [c for c in live if c not in self._cohort and c not in opened.contributors]
        num_drawn = max(0, min(wanting, len(strangers)))
        drawn = self._surroundings.chance.sample(strangers, num_drawn)
        for client_id in drawn:
            self._surroundings.workers.count_invited(client_id)
        self._cohort.update(drawn)
        self._silent.update(drawn)
        return frozenset(invitation_condition(self._surroundings.name, client_id) for client_id in drawn)

    def _round_at(self, header: ContributionHeader, opened: Round) -> int:
        """Return the round of a contribution that names none: the one that began at its base."""
        past = [r for r, closed in self._past.items() if closed.base_number == header.base_version.number]
        return past[-1] if past else opened.round_id

    def _check_late(self, client_id: str, round_id: int, opened: Round) -> None:
        if self._settings.late is LatePolicy.REFUSE:
            message = f"round_id: got {round_id}, allowed: {opened.round_id} (open); late contributions are refused"
            details = {"field": "round_id", "value": str(round_id), "allowed": str(opened.round_id)}
            raise StaleContributionError(message, details=details)
        if round_id not in self._past:
            raise _refused("round_id", round_id, f"{opened.round_id} (open), {list(self._past)} (late)")
        if client_id not in self._past[round_id].silent:
            raise _refused("client_id", client_id, f"the members of round {round_id} that have not contributed")


def _refused(field: str, value: object, allowed: str) -> FailedPreconditionError:
    details = {"field": field, "value": str(value), "allowed": allowed}
    return FailedPreconditionError(f"{field}: got {value!r}, allowed: {allowed}", details=details)
