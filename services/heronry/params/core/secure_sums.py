"""Rounds of secure aggregation as the models see them: who may take part, what is paid for, what a sum makes.

The messages of a round go between its members and a session in the shell; no vector of a single client comes here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from heronry.params.core.catalogue import Catalogue
from heronry.params.core.durability.log import Log
from heronry.params.core.durability.records import released
from heronry.params.core.model import Model
from heronry.params.core.private.model_privacy import ModelPrivacy
from heronry.params.core.private.private_sum import Integers
from heronry.params.core.private.releasing import plan_summed_release
from heronry.privacy.secure import RoundParameters
from heronry.types.blocking import Changed
from heronry.types.consistency import SynchronousRounds
from heronry.types.contribution import Acknowledgement, ContributionHeader
from heronry.types.errors import (
    FailedPreconditionError,
    HeronryError,
    PermissionDeniedError,
    RoundAbandonedError,
    StaleContributionError,
    UnavailableError,
    VersionNotFoundError,
)
from heronry.types.privacy import DistributedNoise
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class SecureCohort:
    """How a model's secure rounds are made up.

    Attributes:
      size: members of a round.
      fewest: members with which a round may begin when no more came in time.
      deadline_s: of each step, and of waiting for members.
    """

    size: int
    fewest: int
    deadline_s: float


@dataclass(frozen=True)
class SecureOpening:
    """A round that was opened, and the version that it moves."""

    model: Model
    round_id: int
    base_version: ParameterVersion
    parameters: RoundParameters


class SecureSums(Catalogue):
    """Opens, pays for and publishes sums that come ready-made."""

    _log: Log

    def admit_secure(self, header: ContributionHeader, client_id: str, now_s: float) -> SecureCohort:
        """Check who would take part, before anything else moves.

        Raises:
          PermissionDeniedError: another client's name.
          FailedPreconditionError: the model takes no secure sums.
          FencedError: no running lease, or another one's token.
          ForeignEpochError, StaleContributionError, VersionNotFoundError: not the newest version as base.
          BudgetExhaustedError: the client has used up its budget.
        """
        model = self.model(header.model)
        if header.client_id != client_id:
            details = {"field": "client_id", "value": header.client_id, "allowed": client_id}
            message = f"client_id: got {header.client_id!r}, allowed: {client_id!r} (the caller's identity)"
            raise PermissionDeniedError(message, details=details)
        privacy, noise, mode = _distributed(model)
        _check_member(model, privacy, header, now_s)
        return SecureCohort(mode.cohort_size, max(mode.fewest, noise.min_survivors), mode.deadline_s)

    def secure_refusals(self, headers: Sequence[ContributionHeader], now_s: float) -> Mapping[str, HeronryError]:
        """Return why those who waited may no longer take part, by client id."""
        refused: dict[str, HeronryError] = {}
        for header in headers:
            try:
                model = self.model(header.model)
                _check_member(model, _distributed(model)[0], header, now_s)
            except HeronryError as error:
                refused[header.client_id] = error
        return refused

    def open_secure(self, name: str, members: Sequence[str]) -> SecureOpening:
        """Open a round for members, at the newest version.

        Raises:
          ModelNotFoundError, FailedPreconditionError: there is no such model, or it takes no secure sums.
        """
        model = self.model(name)
        privacy, noise, _ = _distributed(model)
        parameters = RoundParameters.opened(
            members,
            num_parameters=model.layout.num_parameters,
            grid_step=privacy.terms.step,
            clipping_norm=privacy.terms.clipping_norm,
            noise_multiplier=noise.noise_multiplier,
            min_survivors=noise.min_survivors,
        )
        return SecureOpening(model, model.round.round_id, model.history.newest.version, parameters)

    def reserve_secure(self, opening: SecureOpening, participants: Iterable[str], time_s: float) -> int:
        """Write down as spent what is about to be unmasked, for all whose masked input was accepted.

        Raises:
          RoundAbandonedError: the model has moved on since the round was opened.
          BudgetExhaustedError, ResourceExhaustedError: it cannot be paid for, or not be written.
        """
        privacy = self._opened(opening)
        guard = privacy.required_guard
        if guard.is_releasing:
            raise UnavailableError(f"model {opening.model.name!r}: another release is being made", retry_after_s=1.0)
        return guard.reserve(privacy.state, sorted(participants), time_s)

    def give_up_secure(self, opening: SecureOpening, time_s: float) -> None:
        """Go on without a sum that was reserved; it counts as spent."""
        privacy = opening.model.privacy
        if self._models.get(opening.model.name) is opening.model and privacy is not None:
            privacy.restore(privacy.without_release(time_s))
            privacy.required_guard.made()

    def release_secure(
        self,
        opening: SecureOpening,
        total: Integers,
        survivors: Sequence[str],
        sequence: int,
        now_s: float,
        time_s: float,
    ) -> Changed[Acknowledgement]:
        """Publish what a reserved sum makes: durable first, then published.

        Raises:
          RoundAbandonedError: the model has moved on since the round was opened.
          InvalidContributionError: values that the optimiser cannot take.
          ResourceExhaustedError: the journal cannot be written.
        """
        model, privacy = opening.model, self._opened(opening)
        guard, privacy.time_s = privacy.required_guard, time_s
        release = plan_summed_release(model, total, time_s)
        self._log.append(released(model, release), model.settings.acknowledgement)
        guard.made()
        for client_id in survivors:
            model.figures.count_accepted(0, 4 * opening.parameters.num_parameters)
            model.workers.count_accepted(client_id, 0)
        changed = model.commit_release(release, now_s)
        guard.commit(sequence, time_s)
        version = model.history.newest.version
        answer = Acknowledgement(model.settings.acknowledgement, True, opening.round_id, True, version, 0)
        return Changed(answer, self._changed(model, changed))

    def _opened(self, opening: SecureOpening) -> ModelPrivacy:
        """Return the privacy of a round's model, which is still at that round."""
        model = opening.model
        is_same = self._models.get(model.name) is model and model.round.round_id == opening.round_id
        if not is_same or model.privacy is None:
            why = f"model {model.name!r} was rolled back or deleted since the round was opened"
            raise RoundAbandonedError.of("publishing", why, {"round_id": opening.round_id})
        return model.privacy


def _distributed(model: Model) -> tuple[ModelPrivacy, DistributedNoise, SynchronousRounds]:
    """Return what a model's secure rounds are made by."""
    privacy, mode = model.privacy, model.settings.consistency
    noise = None if privacy is None else privacy.claim.settings.noise
    if privacy is None or not isinstance(noise, DistributedNoise) or not isinstance(mode, SynchronousRounds):
        details = {"field": "model", "value": model.name, "allowed": "models with distributed noise"}
        message = f"model {model.name!r} takes no secure sums, allowed: models with distributed noise; use Push"
        raise FailedPreconditionError(message, details=details)
    return privacy, noise, mode


def _check_member(model: Model, privacy: ModelPrivacy, header: ContributionHeader, now_s: float) -> None:
    if header.fencing_token:
        model.workers.check_token(header.client_id, header.fencing_token, now_s)
    model.workers.check_lease(header.client_id, now_s, is_needed=True)
    newest, base = model.history.newest.version, header.base_version
    staleness = newest.staleness_of(base)
    if staleness < 0 or base.number < 1:
        raise VersionNotFoundError.of("base_version", str(base), str(newest.number))
    if staleness:
        details = {"field": "base_version", "staleness": str(staleness), "max_staleness": "0"}
        message = f"base_version: {base} lies {staleness} versions behind {newest}, allowed: at most 0"
        raise StaleContributionError(message, details=details)
    model.history.check_content(base)
    privacy.required_guard.check_spending(header.client_id)
