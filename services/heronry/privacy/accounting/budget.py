"""The epsilon at which further releases are refused; checked before each of them in constant time."""

from dataclasses import dataclass

from heronry.privacy.accounting.accountant import Accountant, Spent
from heronry.privacy.accounting.events import Event
from heronry.types.errors import BudgetExhaustedError, InvalidArgumentError


@dataclass(frozen=True)
class _Proven:
    """Releases that are known to stay within the limit, as long as nothing else is released in between."""

    event: Event
    num_others: int
    num_releases: int


class Budget:
    """A limit on the epsilon of an accountant at a delta.

    A release is admitted when one sound bound stays within the limit. RDP's comes first: it is cheap. Where it is
    spent, or there is none, loss distributions decide; they are asked about many releases at once, twice as many
    each time the answer is yes and half as many when it is no, so that `T` releases take about `2 log2(T)` of them.
    """

    def __init__(
        self, limit_epsilon: float, delta: float, accountant: Accountant, whose: str = "privacy budget"
    ) -> None:
        if not limit_epsilon > 0:
            raise InvalidArgumentError.of("epsilon_limit", limit_epsilon, "above 0")
        self.limit_epsilon = limit_epsilon
        self.delta = delta
        self.accountant = accountant
        self._whose = whose
        self._proven: _Proven | None = None
        self._stride = 0

    def check(self, event: Event, count: int = 1) -> None:
        """Refuse releases that would pass the limit; counts nothing.

        Raises:
          BudgetExhaustedError: with what is spent, what it would be, the limit and the delta.
          ConfigurationError: no accountant is sound for the event.
        """
        total = self.accountant.after(event, count)
        quick = self.accountant.quick_epsilon(self.delta, total)
        if quick is not None and quick.epsilon <= self.limit_epsilon:
            return
        if total.is_gaussian or not total.is_private or not total.has_pld:
            self._refuse(event, count)
        if not self._is_proven(event, count) and not self._prove(event, count):
            self._refuse(event, count)

    def charge(self, event: Event, count: int = 1) -> None:
        """Count releases, within the limit or not: what has left the service has been spent."""
        self.accountant.compose(event, count)

    def spent(self) -> Spent:
        """Return what is spent."""
        return self.accountant.epsilon(self.delta)

    def would_be(self, event: Event, count: int = 1) -> Spent:
        """Return what would be spent after further releases."""
        return self.accountant.epsilon_after(event, self.delta, count)

    def _is_proven(self, event: Event, count: int) -> bool:
        """Tell whether an earlier look ahead covers these releases."""
        proven = self._proven
        if proven is None or proven.event != event or proven.num_others != self._num_others(event):
            return False
        return self._num_of(event) + count <= proven.num_releases

    def _prove(self, event: Event, count: int) -> bool:
        """Look ahead as far as the stride goes, then at these releases alone; tells whether they stay within."""
        num_releases = self._num_of(event)
        self._stride = max(self._stride or num_releases, count)
        for ahead in (self._stride, count):
            if self.accountant.epsilon_after(event, self.delta, ahead).epsilon <= self.limit_epsilon:
                self._proven = _Proven(event, self._num_others(event), num_releases + ahead)
                self._stride = self._stride * 2 if ahead == self._stride else self._stride // 2
                return True
            if self._stride == count:
                return False
        return False

    def _num_of(self, event: Event) -> int:
        # A composed event is no key of the counts: it is then proven for these releases alone.
        composition = self.accountant.composition
        return next((count for leaf, count in composition.counts.items() if leaf == event), 0)

    def _num_others(self, event: Event) -> int:
        return self.accountant.composition.num_releases - self._num_of(event)

    def _refuse(self, event: Event, count: int) -> None:
        spent, would_be = self.spent().epsilon, self.would_be(event, count).epsilon
        raise BudgetExhaustedError.of(self._whose, spent, would_be, self.limit_epsilon, self.delta)
