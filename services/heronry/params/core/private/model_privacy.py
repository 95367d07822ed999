"""The privacy of one model: where its mechanism stands, and who guards it."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from heronry.params.core.layout import ParameterLayout
from heronry.params.core.private.claim import ChargeScope, Claim, statement_of
from heronry.params.core.private.guard import Guard
from heronry.params.core.private.noise_checks import NoiseChecks
from heronry.params.core.private.private_sum import Integers, PrivateSum, clipped_share
from heronry.params.core.private.state import PrivateState
from heronry.params.core.private.terms import ReleaseTerms
from heronry.params.core.rounds import Round
from heronry.privacy.clipping import QuantileClip
from heronry.privacy.ledger import Head
from heronry.types.contribution import ContributionHeader, ParameterCodec
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError
from heronry.types.models import ModelInfo, ModelSettings, WorkerInfo
from heronry.types.privacy import DistributedNoise, PrivacyStatus, PrivacyUnit, QuantileClipping


def privacy_of(settings: ModelSettings, layout: ParameterLayout) -> "ModelPrivacy | None":
    """Return the privacy of a model; None when it claims none.

    Raises:
      InvalidArgumentError: the claim would not hold.
    """
    if settings.privacy is None:
        return None
    return ModelPrivacy(Claim.of(settings, settings.privacy, layout))


class ModelPrivacy:
    """The claim of a model and its state; owned by the model's thread.

    While a journal is replayed there is no guard: what was released is read, and nothing is drawn or paid for.
    """

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.state = claim.first_state
        self.guard: Guard | None = None
        # Seconds since 1970, of the call that is under way: for the ledger's records.
        self.time_s = 0.0
        self.noise_checks = NoiseChecks()
        self._terms: ReleaseTerms | None = None
        self._is_validating = False

    @property
    def terms(self) -> ReleaseTerms:
        """The figures of the open release."""
        if self._terms is None or self._terms.clipping_norm != self.state.clipping_norm:
            self._terms = self.claim.terms(self.state)
        return self._terms

    @property
    def add_noise(self) -> Callable[[Integers], None] | None:
        """Add the open release's noise to the sum; None while a journal is replayed or something is validated."""
        return None if self.guard is None or self._is_validating else self._add_noise

    @property
    def noise_ahead(self) -> Callable[[Integers], None] | None:
        """Add the open release's noise from any thread; None while a horizon must be paid for first."""
        if self.guard is None or not self.guard.is_open(self.state):
            return None
        return partial(self._draw, self.guard, self.state, self.terms)

    @property
    def required_guard(self) -> Guard:
        """The guard, without which nothing is released."""
        if self.guard is None:
            raise ValueError("a release without a guard")
        return self.guard

    def attach(self, guard: Guard) -> bool:
        """Go on under a guard, at the release that nothing may have left of.

        Returns:
          Whether a release may have left that the state does not know of.
        """
        has_missed = guard.has_released_after(self.state)
        self.guard = guard
        self.state = guard.resumed(self.state)
        return has_missed

    def note_head(self, head: Head) -> None:
        """Take note of the ledger's head when the model was registered."""
        self.state = replace(self.state, ledger_sequence=head.sequence, ledger_digest=head.digest)

    @contextlib.contextmanager
    def validating(self) -> Iterator[None]:
        """Draw no noise meanwhile, and pay for none: what is checked only may cost nothing."""
        self._is_validating = True
        try:
            yield
        finally:
            self._is_validating = False

    def restore(self, state: PrivateState) -> None:
        """Go on after what a journal or checkpoint says."""
        self.state = state

    def may_join(self, client_id: str) -> bool:
        """Tell whether a client may contribute to the open release."""
        return self.guard is not None and self.guard.may_join(client_id, self.state)

    def check_release(self) -> None:
        """Refuse to go on when nobody can pay for the next release.

        Raises:
          BudgetExhaustedError: with the figures.
        """
        if self.guard is not None:
            self.guard.check_release(self.state)

    def check_population(self, client_id: str, live: Sequence[str]) -> None:
        """Refuse a client beyond the population that the claim was made for.

        Raises:
          ResourceExhaustedError: so many others hold a lease.
        """
        population = self.claim.settings.population
        if client_id not in live and len(live) >= population:
            details = {"field": "privacy.population", "value": str(len(live) + 1), "allowed": f"at most {population}"}
            message = f"privacy.population: {len(live)} clients hold a lease, allowed: at most {population}"
            raise ResourceExhaustedError(message, details=details)

    def check_contribution(self, header: ContributionHeader, opened: Round) -> None:
        """Refuse what the claim does not allow, before its values are looked at.

        Raises:
          BudgetExhaustedError, ResourceExhaustedError, FailedPreconditionError: budget or pattern are used up, or the
            service may see sums alone.
          InvalidArgumentError: more than one episode in a contribution of one.
        """
        if isinstance(self.claim.settings.noise, DistributedNoise):
            raise _single_vector(header)
        self.check_release()
        if self.guard is not None:
            self.guard.check_client(header.client_id, self.state)
        if self.claim.settings.unit is PrivacyUnit.EPISODE:
            _check_episode(header)
        elif header.client_id in opened.contributors:
            allowed = f"one contribution a client and release: round {opened.round_id} has counted it"
            details = {"field": "client_id", "value": header.client_id, "allowed": allowed}
            raise FailedPreconditionError(f"client_id: got {header.client_id!r}, allowed: {allowed}", details=details)
        if isinstance(opened.accumulator, PrivateSum) and not header.validate_only:
            # Its values are still to come: the noise owes nothing to them.
            opened.accumulator.begin()

    def without_release(self, time_s: float) -> PrivateState:
        """Give the open release's noise up, and return the state in which its round is dropped."""
        return self.required_guard.dropped(self.state, time_s)

    @property
    def keeps_cohort(self) -> bool:
        """Whether the claim rests on nobody's knowing who took part."""
        return self.claim.scope is ChargeScope.RELEASE

    def published(self, info: ModelInfo) -> ModelInfo:
        """Return what may be told of the model: nothing that tells who was drawn, or how many."""
        if not self.keeps_cohort:
            return info
        # The time left is told of rounds with a cohort only: without one it would tell that nobody was drawn.
        return replace(
            info,
            num_pending=0,
            num_accepted=0,
            num_refused=0,
            refusals={},
            num_bytes_received=0,
            num_bytes_sent=0,
            staleness_histogram=(),
            round_remaining_s=None,
            cohort_size=0,
        )

    def published_workers(self, infos: Iterable[WorkerInfo]) -> list[WorkerInfo]:
        """Return what may be told of the workers: that they are there."""
        if not self.keeps_cohort:
            return list(infos)
        return [WorkerInfo(i.client_id, i.incarnation, i.lease_remaining_s) for i in infos]

    def status(self, model: str) -> PrivacyStatus:
        """State the claim and what has been spent of it."""
        guard, settings = self.required_guard, self.claim.settings
        spent, after = guard.spent(), guard.spent_after(self.state)
        return PrivacyStatus(
            has_claim=not guard.is_void,
            statement=statement_of(model, self.claim, is_void=guard.is_void, is_authenticated=guard.is_authenticated),
            is_void=guard.is_void,
            mechanism=self.claim.mechanism,
            unit=settings.unit,
            relation=settings.relation,
            delta=settings.delta,
            epsilon_limit=settings.epsilon_limit,
            epsilon_spent=spent.epsilon,
            epsilon_after=after.epsilon,
            accountant=str(spent.accountant),
            num_releases=guard.num_releases,
            clipping_norm=self.state.clipping_norm,
            noise_multiplier=settings.noise.noise_multiplier,
            ledger_sequence=guard.head.sequence,
            ledger_digest=guard.head.digest,
        )

    def after_release(self, num_unclipped_less_clipped: int) -> PrivateState:
        """Return the state after the open release: the next bound, by a noised count, and the next noise."""
        guard = self.required_guard
        clip, norm = self.claim.settings.clip, self.state.clipping_norm
        if isinstance(clip, QuantileClipping):
            noisy = clipped_share(num_unclipped_less_clipped) + guard.draw_count_noise(clip.count_noise)
            norm = QuantileClip(clip, norm).after(noisy, self.claim.expected_size).norm
        self.noise_checks.note_release()
        return replace(guard.advanced(self.state), clipping_norm=norm)

    def open_release(self) -> PrivateState:
        """Return the state of the open release, whose horizon is paid for: it belongs to no other one.

        Raises:
          BudgetExhaustedError, ResourceExhaustedError: as `Guard.opened`.
        """
        self.state = self.required_guard.opened(self.state, self.time_s)
        return self.state

    def _add_noise(self, total: Integers) -> None:
        state = self.open_release()
        self._draw(self.required_guard, state, self.terms, total)

    def _draw(self, guard: Guard, state: PrivateState, terms: ReleaseTerms, total: Integers) -> None:
        before = self.noise_checks.sample(total)
        guard.add_noise(state, terms, total)
        self.noise_checks.observe(before, total, guard.noise_steps(state, terms))


def _single_vector(header: ContributionHeader) -> FailedPreconditionError:
    allowed = "SumSecurely (the service may see sums alone: the noise of the claim is in them)"
    details = {"field": "call", "value": "Push", "allowed": allowed}
    return FailedPreconditionError(f"call: got Push to model {header.model!r}, allowed: {allowed}", details=details)


def _check_episode(header: ContributionHeader) -> None:
    """Refuse what carries more than one episode into a contribution."""
    if header.sample_count > 1:
        raise InvalidArgumentError.of(
            "sample_count", header.sample_count, "0 or 1 (the unit of privacy is one episode)"
        )
    if header.codec is ParameterCodec.TOP_K:
        allowed = "codecs without error feedback (it carries earlier episodes on)"
        raise InvalidArgumentError.of("codec", header.codec.value, allowed)
