"""Stale-synchronous parallel: a bound on how far workers part."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from heronry.params.core.conditions import Conditions, slowest_condition, waits
from heronry.params.core.consistency.arrivals import ArrivalMode
from heronry.params.core.consistency.mode import Surroundings
from heronry.params.core.rounds import Round
from heronry.types.consistency import Consistency, StaleSynchronous

_MOST_AWAITED: Final = 4096


class StaleSynchronousMode(ArrivalMode):
    """Applies each contribution at once; the pulls of a worker wait while it is too far ahead.

    A worker that is silent holds the others up until its lease runs out, no longer.

    Source: Ho et al. 2013, "More Effective Distributed ML via a Stale Synchronous Parallel Parameter Server".
    """

    def __init__(self, settings: StaleSynchronous, surroundings: Surroundings) -> None:
        super().__init__(settings, surroundings)
        self._max_lead = settings.max_lead
        self._awaited: OrderedDict[int, None] = OrderedDict()

    def count(self, client_id: str, answered_round: int, opened: Round, now_s: float) -> Conditions:
        """Let those go on who waited for this worker."""
        return self._reached(now_s)

    def workers_changed(self, opened: Round, now_s: float) -> Conditions:
        """Let those go on who waited for a worker that has gone."""
        return self._reached(now_s)

    def check_lead(self, client_id: str, now_s: float) -> None:
        """Let a worker's pull go on.

        Raises:
          WouldBlock: it has a lease and is more than `max_lead` ahead of the slowest that has one.
        """
        workers = self._surroundings.workers
        clock, slowest = workers.clock(client_id), workers.slowest(now_s)
        if slowest is None or clock - slowest <= self._max_lead or not workers.is_live(client_id, now_s):
            return
        needed = clock - self._max_lead
        self._await(needed)
        condition = slowest_condition(self._surroundings.name, needed)
        # The slowest moves on, or loses its lease, of which nobody tells.
        earliest_s = min(workers.leases_below(needed, now_s))
        raise waits(condition, "worker", f"slowest worker of {self._surroundings.name!r}", slowest, needed, earliest_s)

    def change(self, settings: Consistency) -> Conditions:
        """Take over another bound; whoever waits tries again."""
        if isinstance(settings, StaleSynchronous):
            self._max_lead = settings.max_lead
        waiting, self._awaited = self._awaited, OrderedDict()
        return super().change(settings) | self._conditions(waiting)

    def _reached(self, now_s: float) -> Conditions:
        slowest = self._surroundings.workers.slowest(now_s)
        reached = [needed for needed in self._awaited if slowest is None or needed <= slowest]
        for needed in reached:
            del self._awaited[needed]
        return self._conditions(reached)

    def _await(self, needed: int) -> None:
        """Remember a clock that somebody waits for; one that is forgotten is looked at again when a lease runs out."""
        self._awaited[needed] = None
        self._awaited.move_to_end(needed)
        while len(self._awaited) > _MOST_AWAITED:
            self._awaited.popitem(last=False)

    def _conditions(self, clocks: Iterable[int]) -> Conditions:
        return frozenset(slowest_condition(self._surroundings.name, clock) for clock in clocks)
