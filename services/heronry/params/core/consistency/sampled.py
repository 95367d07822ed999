"""Rounds with a secret cohort: every client is drawn by a coin of its own, or so many of all of them."""

from typing import Final

from heronry.params.core.conditions import NOTHING, Conditions, invitation_condition, waits
from heronry.params.core.consistency.arrivals import not_open
from heronry.params.core.consistency.mode import Due, Surroundings
from heronry.params.core.rounds import Round
from heronry.types.consistency import Consistency, SampledRounds
from heronry.types.contribution import ContributionHeader
from heronry.types.errors import FailedPreconditionError, StaleContributionError

_RETRY_S: Final = 1.0


class SampledMode:
    """Draws a cohort once a round; whoever is drawn and does not answer counts as zero.

    A round opens when clients enough hold a lease, and closes at its deadline, whatever has come by then: when a
    version appears tells nothing of who was drawn. With `closes_early` it closes as soon as all members have
    contributed. Nobody is drawn in later, and nobody volunteers.
    """

    def __init__(self, settings: SampledRounds, surroundings: Surroundings) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self.deadline_s: float | None = None
        self._cohort: frozenset[str] = frozenset()
        self._retry_s: float | None = None

    @property
    def round_size(self) -> int:
        """Contributions that a round can have at most."""
        return self._settings.num_clients

    @property
    def max_staleness(self) -> int:
        """Versions that the base of a contribution may lie behind: none."""
        return 0

    @property
    def cohort_size(self) -> int:
        """Clients drawn for the open round."""
        return len(self._cohort)

    def factor_of(self, staleness: int) -> float:
        """Return 1."""
        return 1.0

    def answered_round(self, header: ContributionHeader, opened: Round) -> int:
        """Return the open round, for its members.

        Raises:
          StaleContributionError: the round is closed.
          FailedPreconditionError: the round is not yet open, or the client is not invited to it: that says no more
            to the client than that no invitation waits for it.
        """
        round_id = header.round_id or opened.round_id
        if round_id > opened.round_id:
            raise not_open(round_id, opened)
        if round_id < opened.round_id:
            details = {"field": "round_id", "value": str(round_id), "allowed": str(opened.round_id)}
            message = f"round_id: got {round_id}, allowed: {opened.round_id} (open); late contributions count as zero"
            raise StaleContributionError(message, details=details)
        if header.client_id not in self._cohort or header.client_id in opened.contributors:
            allowed = f"clients with an open invitation to round {round_id}"
            details = {"field": "client_id", "value": header.client_id, "allowed": allowed}
            raise FailedPreconditionError(f"client_id: got {header.client_id!r}, allowed: {allowed}", details=details)
        return round_id

    def begin(self, opened: Round, now_s: float) -> Conditions:
        """Draw the cohort of a round, when there are clients enough."""
        self._open()
        return self._draw(opened, now_s)

    def count(self, client_id: str, answered_round: int, opened: Round, now_s: float) -> Conditions:
        """Take notice of a contribution."""
        return NOTHING

    def workers_changed(self, opened: Round, now_s: float) -> Conditions:
        """Draw the cohort when the client that came was the last one wanting."""
        return self._draw(opened, now_s)

    def poll(self, opened: Round, now_s: float) -> Due:
        """Close the round at its deadline, or when nobody is waited for and it may close early."""
        if self._retry_s is not None:
            return Due(closes=now_s >= self._retry_s)
        if self.deadline_s is None:
            return Due(conditions=self._draw(opened, now_s))
        if now_s >= self.deadline_s:
            return Due(closes=True)
        # An empty cohort ends at the deadline like one of which nobody answers.
        is_answered = bool(self._cohort) and self._cohort <= opened.contributors
        return Due(closes=self._settings.closes_early and is_answered)

    def postpone(self, opened: Round, now_s: float) -> Conditions:
        """Try again a little later; nobody is drawn in."""
        self._retry_s = self.deadline_s = now_s + _RETRY_S
        return NOTHING

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
        """Forget the cohort; the next one is drawn by `poll`, or when a client comes."""
        self._open()
        return NOTHING

    def change(self, settings: Consistency) -> Conditions:
        """Take over other figures; they hold from the next draw on."""
        if isinstance(settings, SampledRounds):
            self._settings = settings
        return NOTHING

    def _open(self) -> None:
        self._cohort, self.deadline_s, self._retry_s = frozenset(), None, None

    def _draw(self, opened: Round, now_s: float) -> Conditions:
        """Draw once: a client must not have two chances to be in a release.

        Where cohorts are secret, the round that was open at a restart has been dropped. Elsewhere what it has counted
        is released as it is.
        """
        live = self._surroundings.workers.live(now_s)
        if self.deadline_s is not None or len(live) < self._settings.fewest_clients:
            return NOTHING
        live = [client_id for client_id in live if self._surroundings.may_join(client_id)]
        if not live:
            return NOTHING
        self.deadline_s = now_s + self._settings.deadline_s
        self._cohort = frozenset(() if opened.num_contributions else self._drawn(live))
        return frozenset(invitation_condition(self._surroundings.name, client_id) for client_id in self._cohort)

    def _drawn(self, live: list[str]) -> list[str]:
        """Draw from all clients there are, of which those without a lease would not answer."""
        settings, chance = self._settings, self._surroundings.chance
        if settings.cohort_size is not None:
            slots = chance.sample(range(settings.num_clients), settings.cohort_size)
            return [live[slot] for slot in slots if slot < len(live)]
        rate, absent = settings.sampling_rate or 0.0, settings.num_clients - len(live)
        drawn: list[str | None] = [c for c in (*live, *[None] * absent) if chance.random() < rate]
        if settings.max_cohort is not None and len(drawn) > settings.max_cohort:
            drawn = chance.sample(drawn, settings.max_cohort)
        return [client_id for client_id in drawn if client_id is not None]
