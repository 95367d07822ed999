"""Who pays for a release, and who can no longer."""

from collections.abc import Iterable, Mapping

from heronry.privacy.accounting import Accountant, AccountantName, Budget, Spent, event_from_document
from heronry.privacy.ledger import Charge
from heronry.types.errors import BudgetExhaustedError
from heronry.types.privacy import PrivacySettings


class CommonBudget:
    """What everybody pays for together: releases of amplified mechanisms, or whole horizons."""

    def __init__(
        self, model: str, settings: PrivacySettings, event: Mapping[str, object], charges: Iterable[Charge]
    ) -> None:
        """Take what the ledger holds: each kind of event once, however often it was charged."""
        self._event = event_from_document(event)
        accountant = Accountant(settings.relation)
        self._budget = Budget(settings.epsilon_limit, settings.delta, accountant, f"model {model!r}")
        # The answer to one more event, until one is charged: every contribution asks.
        self._answer: BudgetExhaustedError | None = None
        self._is_answered = False
        for charge in charges:
            self._budget.charge(event_from_document(charge.event), charge.count)

    def check(self) -> None:
        """Refuse one more event when it would pass the limit.

        Raises:
          BudgetExhaustedError: with what is spent and what it would be.
        """
        if not self._is_answered:
            self._answer, self._is_answered = self._refusal(), True
        if self._answer is not None:
            raise BudgetExhaustedError(self._answer.message, details=self._answer.details)

    def charge(self) -> None:
        """Count one event that the ledger has."""
        self._budget.charge(self._event)
        self._is_answered = False

    @property
    def spent(self) -> Spent:
        """What has been spent."""
        return self._budget.spent()

    @property
    def after(self) -> Spent:
        """What one more event would make of it."""
        return self._budget.would_be(self._event)

    def _refusal(self) -> BudgetExhaustedError | None:
        try:
            self._budget.check(self._event)
        except BudgetExhaustedError as error:
            return error
        return None


class ClientBudgets:
    """What each client pays for by itself: the releases that it contributed to."""

    def __init__(
        self,
        model: str,
        settings: PrivacySettings,
        event: Mapping[str, object],
        charges: Iterable[Charge],
        counts: Mapping[str, int],
    ) -> None:
        """Take what the ledger holds of each client.

        Where a model was released by several kinds of event, each participation counts as the dearest of them.
        """
        self._model = model
        self._settings = settings
        self._events = [dict(event), *(dict(charge.event) for charge in charges if dict(charge.event) != dict(event))]
        self._counts = dict(counts)
        self._accountant = Accountant(settings.relation)
        self._epsilons: dict[int, Spent] = {0: Spent(0.0, AccountantName.NONE)}

    def check(self, client_id: str) -> None:
        """Refuse one more contribution of a client when its budget would not hold; others go on.

        Raises:
          BudgetExhaustedError: with what the client has spent and what it would be.
        """
        self._check(f"client {client_id!r} of model {self._model!r}", self._counts.get(client_id, 0))

    def check_unit(self) -> None:
        """Refuse contributions whose unit takes part once and never again, when that once costs too much.

        Raises:
          BudgetExhaustedError: with what it would be.
        """
        self._check(f"an episode of model {self._model!r}", 0)

    def charge(self, participants: Iterable[str]) -> None:
        """Count a release that the ledger has."""
        for client_id in participants:
            self._counts[client_id] = self._counts.get(client_id, 0) + 1

    def epsilon_of(self, count: int) -> Spent:
        """Return what so many participations cost."""
        if count not in self._epsilons:
            spent = [self._composed(event, count) for event in self._events]
            self._epsilons[count] = max(spent, key=lambda each: each.epsilon)
        return self._epsilons[count]

    @property
    def counts(self) -> Mapping[str, int]:
        """Participations by client."""
        return self._counts

    @property
    def spent(self) -> Spent:
        """What the client that took part most often has spent."""
        return self.epsilon_of(max(self._counts.values(), default=0))

    def _check(self, who: str, count: int) -> None:
        limit, would_be = self._settings.epsilon_limit, self.epsilon_of(count + 1).epsilon
        if not would_be <= limit:
            raise BudgetExhaustedError.of(who, self.epsilon_of(count).epsilon, would_be, limit, self._settings.delta)

    def _composed(self, event: Mapping[str, object], count: int) -> Spent:
        accountant = self._accountant.sibling()
        accountant.compose(event_from_document(event), count)
        return accountant.epsilon(self._settings.delta)
