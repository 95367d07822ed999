"""What stands between a private model and a release: ledger, budget, pattern and noise."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from heronry.params.core.private.charging import ClientBudgets, CommonBudget
from heronry.params.core.private.claim import ChargeScope, Claim
from heronry.params.core.private.keys import NoiseKeys
from heronry.params.core.private.noise_sources import CorrelatedSource, IndependentSource, NoiseSource
from heronry.params.core.private.pattern import ParticipationPattern
from heronry.params.core.private.private_sum import Integers
from heronry.params.core.private.state import PrivateState
from heronry.params.core.private.terms import ReleaseTerms
from heronry.privacy.accounting import Spent
from heronry.privacy.factorisation import Strategy, strategy_from_document, strategy_of, strategy_to_document
from heronry.privacy.ledger import Head, Ledger, Reservation
from heronry.privacy.noise import NoiseKey, add_rounded_normals
from heronry.types.errors import FailedPreconditionError, HeronryError, UnavailableError
from heronry.types.privacy import ClientSpending, CorrelatedNoise, IndependentNoise, PrivacyUnit

_COUNT_STEPS: Final = 2.0**20


class Guard:
    """Pays for the releases of one model before they are made; owned by the model's thread.

    Everything is written to the ledger first: what was reserved and never committed counts as spent. A release that
    failed before anything left is tried again under the same reservation.
    """

    def __init__(
        self, model: str, claim: Claim, ledger: Ledger, keys: NoiseKeys, *, is_authenticated: bool = False
    ) -> None:
        """Take ledger and keys, and whether the service asks clients for tokens."""
        self.is_authenticated = is_authenticated
        self._model = model
        self._claim = claim
        self._ledger = ledger
        self._keys = keys
        self._check_same_claim()
        charges = list(ledger.charges(model))
        self._common: CommonBudget | None = None
        self._clients: ClientBudgets | None = None
        if claim.scope is ChargeScope.PARTICIPATION:
            counts = {client_id: known.count for client_id, known in ledger.participations(model).items()}
            self._clients = ClientBudgets(model, claim.settings, claim.event, charges, counts)
        else:
            self._common = CommonBudget(model, claim.settings, claim.event, charges)
        self._pattern: ParticipationPattern | None = None
        self._source: NoiseSource | None = None
        runs = [run for run in ledger.runs() if run.startswith(f"{model}/horizon-")] or [model]
        self._num_releases = sum(ledger.run(run).num_releases for run in runs)
        # The ledger's place of a release that was reserved and could not be made yet; no client may join it.
        self._pending: int | None = None
        self._is_void = keys.is_deterministic or ledger.run(model).is_void
        if isinstance(claim.settings.noise, IndependentNoise):
            self._source = IndependentSource(lambda: keys.fresh(self._label()), claim.settings.noise.sampler)

    def _check_same_claim(self) -> None:
        """Refuse a claim of another kind than the ledger holds charges of: they cannot be added up.

        Raises:
          FailedPreconditionError: a model of this name was released under another unit, relation or scope.
        """
        settings = self._claim.settings
        prefix = f"{self._model}/claim-"
        kind = f"{settings.unit.value}-{settings.relation.value}-{self._claim.scope.value}"
        known = [run.removeprefix(prefix) for run in self._ledger.runs() if run.startswith(prefix)]
        if not known:
            is_void = self._keys.is_deterministic
            marker = Reservation(0, None, 0.0, 0.0, 0.0, 0, "a claim of this kind was made", is_void=is_void)
            self._ledger.commit(self._ledger.reserve(prefix + kind, marker, 0.0), 0.0)
        elif kind not in known:
            allowed = f"{known[0]} (the ledger holds releases of model {self._model!r} under it), or another name"
            details = {"field": "privacy", "value": kind, "allowed": allowed}
            raise FailedPreconditionError(f"privacy: got {kind}, allowed: {allowed}", details=details)

    @property
    def head(self) -> Head:
        """The ledger's head."""
        return self._ledger.head

    @property
    def is_void(self) -> bool:
        """Whether a test mode has voided the claim."""
        return self._is_void

    @property
    def is_releasing(self) -> bool:
        """Whether a release was reserved that was not made yet, nor given up."""
        return self._pending is not None

    @property
    def num_releases(self) -> int:
        """Releases reserved so far."""
        return self._num_releases

    def resumed(self, state: PrivateState) -> PrivateState:
        """Return where to go on after a restart: behind every release of the horizon that the ledger knows of."""
        head, noise, keys = self._ledger.head, self._claim.settings.noise, self._opened_keys(state)
        known = replace(state, ledger_sequence=head.sequence, ledger_digest=head.digest)
        if not isinstance(noise, CorrelatedNoise) or state.strategy is None or keys is None:
            return replace(known, horizon=0, release=0, sealed_keys=(), strategy=None)
        release, sealed = max(state.release, self._num_in_horizon(state.horizon)), state.sealed_keys
        if not self._keys.is_deterministic:
            # Were the folder a copy, the rows from here on may have left already, with other data.
            key = self._keys.fresh(self._label())
            keys = [*(k for k in keys if k[0] < release), (release, key)]
            sealed = (*(s for s in sealed if s[0] < release), (release, self._sealed(key, state.horizon, release)))
        self._enter_horizon(noise, state.horizon, keys, strategy_from_document(state.strategy))
        return replace(known, release=release, sealed_keys=sealed)

    def has_released_after(self, state: PrivateState) -> bool:
        """Tell whether a release was reserved that the state does not know of: what it was made of may have left."""
        is_horizon = self._claim.scope is ChargeScope.HORIZON
        runs = [reserved.run for reserved in self._ledger.reserved_after(state.ledger_sequence)]
        return any(run.startswith(self._horizon_run("")) if is_horizon else run == self._model for run in runs)

    def _opened_keys(self, state: PrivateState) -> list[tuple[int, NoiseKey]] | None:
        """Return a horizon's keys; None when one of them is lost, and the horizon with it."""
        run = self._horizon_run(state.horizon)
        written = self._ledger.epoch_at(state.ledger_sequence)
        later = self._ledger.reserved_after(state.ledger_sequence)
        # Another process went on after this state, from a key of its own.
        if not state.sealed_keys or any(r.run == run and r.epoch > written for r in later):
            return None
        keys = [(first, self._keys.open(sealed, f"{run}/{first}")) for first, sealed in state.sealed_keys]
        opened = [(first, key) for first, key in keys if key is not None]
        return opened if len(opened) == len(keys) else None

    def _sealed(self, key: NoiseKey, horizon: int, first_row: int) -> bytes:
        return self._keys.seal(key, f"{self._horizon_run(horizon)}/{first_row}")

    def check_release(self, state: PrivateState) -> None:
        """Refuse to go on when the next release cannot be paid for by anybody.

        Raises:
          BudgetExhaustedError: with the figures.
        """
        is_paid = self._claim.scope is ChargeScope.HORIZON and self._is_within(state)
        if self._common is not None and not is_paid and self._pending is None:
            self._common.check()

    def check_client(self, client_id: str, state: PrivateState) -> None:
        """Refuse a client that has used up its own share; others go on.

        Raises:
          BudgetExhaustedError, ResourceExhaustedError, FailedPreconditionError: what it has used up.
        """
        if self._pending is not None:
            message = f"model {self._model!r}: a release is being made, and could not be written yet: try again"
            raise UnavailableError(message, retry_after_s=1.0)
        if self._claim.settings.unit is PrivacyUnit.EPISODE:
            if self._clients is not None:
                self._clients.check_unit()
            return
        if self._clients is not None:
            self._clients.check(client_id)
        if self._pattern is not None and self._is_within(state):
            self._pattern.check(client_id, state.release + 1)

    def check_spending(self, client_id: str) -> None:
        """Refuse a client that has used up a budget of its own.

        Raises:
          BudgetExhaustedError: with the figures.
        """
        if self._clients is not None:
            self._clients.check(client_id)

    def may_join(self, client_id: str, state: PrivateState) -> bool:
        """Tell whether a client may contribute to the open release."""
        try:
            self.check_release(state)
            self.check_client(client_id, state)
        except HeronryError:
            return False
        return True

    def is_open(self, state: PrivateState) -> bool:
        """Tell whether the open release's noise may be drawn: nothing must be paid for first."""
        return self._source is not None and not self._opens_horizon(state)

    def opened(self, state: PrivateState, time_s: float) -> PrivateState:
        """Return the state in which the open release is paid for: a horizon is reserved before its first release.

        Raises:
          BudgetExhaustedError: there is no budget for another horizon.
          ResourceExhaustedError: the ledger cannot be written.
        """
        noise = self._claim.settings.noise
        if not isinstance(noise, CorrelatedNoise) or not self._opens_horizon(state):
            return state
        if self._common is not None:
            self._common.check()
        key = self._keys.fresh(f"{self._model}/horizon/{self._ledger.head.sequence}")
        # What may fail comes before what is paid for: a full disk must not cost a horizon at each attempt.
        self._keys.prepare()
        sequence = self._ledger.reserve(self._model, self._reservation(state, self._claim.event, ()), time_s)
        if self._common is not None:
            self._common.charge()
        strategy = strategy_of(noise)
        self._enter_horizon(noise, sequence, [(0, key)], strategy)
        sealed = ((0, self._sealed(key, sequence, 0)),)
        document = strategy_to_document(strategy)
        return replace(state, horizon=sequence, release=0, sealed_keys=sealed, strategy=document)

    def add_noise(self, state: PrivateState, terms: ReleaseTerms, total: Integers) -> None:
        """Add the open release's noise to a sum."""
        if self._source is None:
            raise ValueError("no horizon is open")
        self._source.add_to(total, terms, state.release)

    def noise_steps(self, state: PrivateState, terms: ReleaseTerms) -> float:
        """Return the standard deviation that the open release's noise has, in steps of the grid."""
        if self._source is None:
            raise ValueError("no horizon is open")
        return self._source.deviation_steps(terms, state.release)

    def draw_count_noise(self, deviation: float) -> float:
        """Draw the noise of a count, a multiple of 2^-20."""
        # On a grid, as that of values: the digits of a float could tell what the noise was added to.
        total = np.zeros(1, np.int64)
        key = self._keys.fresh(f"{self._label()}/count")
        add_rounded_normals(key, 0, deviation * _COUNT_STEPS, total)
        return float(total[0]) / _COUNT_STEPS

    def reserve(self, state: PrivateState, participants: Sequence[str], time_s: float) -> int:
        """Write a release down as spent, durably, before anything of it leaves; return its place in the ledger.

        Raises:
          BudgetExhaustedError: it would pass the limit.
          ResourceExhaustedError: the ledger cannot be written; nothing was released.
        """
        if self._pending is not None:
            return self._pending
        if self._opens_horizon(state):
            raise ValueError(f"model {self._model!r}: a release of a horizon that is not paid for")
        self.check_release(state)
        is_horizon = self._claim.scope is ChargeScope.HORIZON
        run = self._horizon_run(state.horizon) if is_horizon else self._model
        event = None if is_horizon else self._claim.event
        sequence = self._ledger.reserve(run, self._reservation(state, event, participants), time_s)
        self._num_releases += 1
        self._pending = sequence
        if self._common is not None and not is_horizon:
            self._common.charge()
        if self._clients is not None:
            self._clients.charge(participants)
        if self._pattern is not None:
            self._pattern.charge(participants, state.release + 1)
        return sequence

    def made(self) -> None:
        """Take note that the reserved release is durable: the next one may be opened."""
        self._pending = None

    def commit(self, sequence: int, time_s: float) -> None:
        """Write down that a release has left; it counts as spent whether that can be written or not."""
        with contextlib.suppress(HeronryError):
            self._ledger.commit(sequence, time_s)

    def advanced(self, state: PrivateState) -> PrivateState:
        """Return the state after the open release."""
        head = self._ledger.head
        following = replace(state, ledger_sequence=head.sequence, ledger_digest=head.digest)
        return replace(following, release=state.release + 1) if state.horizon else following

    def dropped(self, state: PrivateState, time_s: float) -> PrivateState:
        """Return the state after a release that is dropped: its noise is not used for another one.

        Until that is durable, and `made` says so, a release that was reserved stays reserved: nobody may join it.

        Raises:
          ResourceExhaustedError: the ledger cannot be written.
        """
        if self._is_within(state) and self._pending is None:
            self._ledger.reserve(self._horizon_run(state.horizon), self._reservation(state, None, ()), time_s)
        return replace(state, release=state.release + 1) if state.horizon else state

    def spent(self) -> Spent:
        """What has been spent, by the unit that has spent most."""
        if self._common is not None:
            return self._common.spent
        if self._clients is None:
            raise AssertionError("a claim is paid for by everybody or by each client")
        if self._claim.settings.unit is PrivacyUnit.EPISODE:
            return self._clients.epsilon_of(1 if self._num_releases else 0)
        return self._clients.spent

    def spent_after(self, state: PrivateState) -> Spent:
        """What the next release would make of it."""
        if self._common is not None:
            is_paid = self._claim.scope is ChargeScope.HORIZON and self._is_within(state)
            return self._common.spent if is_paid else self._common.after
        if self._clients is None:
            raise AssertionError("a claim is paid for by everybody or by each client")
        most = max(self._clients.counts.values(), default=0)
        is_episode = self._claim.settings.unit is PrivacyUnit.EPISODE
        return self._clients.epsilon_of(1 if is_episode else most + 1)

    def clients(self) -> list[ClientSpending]:
        """What each client has spent, sorted; of mechanisms that charge clients one by one, else nobody."""
        if self._clients is None:
            return []
        known = self._ledger.participations(self._model)
        return [
            ClientSpending(c, known[c].count, known[c].last_release, self._clients.epsilon_of(known[c].count).epsilon)
            for c in sorted(known)
        ]

    def _reservation(
        self, state: PrivateState, event: Mapping[str, object] | None, participants: Sequence[str]
    ) -> Reservation:
        terms = self._claim.terms(state)
        # Everybody pays, drawn or not: the ledger needs no secret cohort, and its digest is public.
        named = () if self._claim.scope is ChargeScope.RELEASE else tuple(participants)
        return Reservation(
            round_id=state.release if state.horizon else self._num_releases + 1,
            event=None if event is None else dict(event),
            clipping_norm=terms.clipping_norm,
            noise_multiplier=self._claim.settings.noise.noise_multiplier,
            denominator=terms.denominator,
            num_participants=len(named),
            mechanism=self._claim.mechanism,
            participants=named,
            is_void=self._keys.is_deterministic,
        )

    def _enter_horizon(
        self, noise: CorrelatedNoise, horizon: int, keys: Sequence[tuple[int, NoiseKey]], strategy: Strategy
    ) -> None:
        self._source = CorrelatedSource(keys, noise, strategy, self._claim.num_parameters)
        self._pattern = ParticipationPattern(noise, self._ledger.participations(self._horizon_run(horizon)))

    def _is_within(self, state: PrivateState) -> bool:
        """Tell whether the open release is one of a horizon that was paid for."""
        noise = self._claim.settings.noise
        return isinstance(noise, CorrelatedNoise) and state.horizon > 0 and state.release < noise.horizon

    def _opens_horizon(self, state: PrivateState) -> bool:
        """Tell whether the open release is the first of a horizon that has still to be paid for."""
        return self._claim.scope is ChargeScope.HORIZON and not self._is_within(state)

    def _horizon_run(self, horizon: int | str) -> str:
        return f"{self._model}/horizon-{horizon}"

    def _num_in_horizon(self, horizon: int) -> int:
        return self._ledger.run(self._horizon_run(horizon)).num_releases

    def _label(self) -> str:
        return f"{self._model}/{self._num_releases}"
