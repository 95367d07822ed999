"""The models of a service, and the order in which their changes become durable."""

import contextlib
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from heronry.params.core.administration import Administration
from heronry.params.core.admission import admit
from heronry.params.core.buffer_pool import BufferPool
from heronry.params.core.conditions import Conditions, model_condition, number_condition
from heronry.params.core.consistency.mode import Due
from heronry.params.core.decoding import Decoded, check_decoded, check_packing
from heronry.params.core.durability.checkpoint import Checkpoint
from heronry.params.core.durability.log import Log
from heronry.params.core.durability.records import (
    closed,
    contributed,
    registered,
    released,
)
from heronry.params.core.durability.replay import Replay
from heronry.params.core.durability.snapshot import ModelSnapshot
from heronry.params.core.durability.state_folder import Recovered
from heronry.params.core.layout import Bytes
from heronry.params.core.membership import Membership
from heronry.params.core.model import Model
from heronry.params.core.planning import discard, plan_close, plan_contribution, plan_zeros
from heronry.params.core.plans import Plan
from heronry.params.core.private.guards import Guards
from heronry.params.core.private.model_privacy import ModelPrivacy
from heronry.params.core.private.releasing import given_up, plan_release
from heronry.params.core.readers import Readers
from heronry.params.core.resources import ModelResources
from heronry.params.core.rounds import Place
from heronry.params.core.schema_differences import first_difference
from heronry.params.core.secure_sums import SecureSums
from heronry.params.core.sharding.followers import FOLLOWER_ADDED
from heronry.types.blocking import Changed
from heronry.types.contribution import Acknowledgement, ContributionHeader
from heronry.types.errors import (
    AlreadyExistsError,
    HeronryError,
    InvalidArgumentError,
    InvalidContributionError,
    PermissionDeniedError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Models(Readers, Membership, Administration, SecureSums):
    """All models by name; owned by one thread, which makes every change in three steps.

    Plan (may refuse, changes nothing), append to the log (may fail, changes nothing), commit
    (cannot fail). What is acknowledged is thereby durable, and what is refused never happened.
    """

    def __init__(
        self,
        log: Log,
        epoch: int,
        lease_s: float,
        *,
        pool: BufferPool,
        spill_dir: Path,
        chance: random.Random,
        guards: Guards,
        new_flat: Callable[[int], Bytes],
    ) -> None:
        """Take the log and what `ModelResources` holds."""
        super().__init__()
        self._log = log
        self._epoch = epoch
        self._resources = ModelResources(lease_s, pool, spill_dir, chance, guards, new_flat)

    def register(
        self, name: str, schema: ModelSchema, settings: ModelSettings, flat: Bytes, time_s: float
    ) -> Changed[tuple[ParameterVersion, bool]]:
        """Create a model with its first values; one of equal schema stays as it is.

        Returns:
          The newest version and whether the model is new.

        Raises:
          AlreadyExistsError: the model exists with another schema.
          SchemaMismatchError, InvalidContributionError: the values do not fit, or are not finite.
          InvalidArgumentError: a privacy claim that would not hold.
          DataLossError, FailedPreconditionError: the ledger cannot be used.
        """
        self.check_registration(name, schema)
        if name in self._models:
            return Changed((self._models[name].history.newest.version, False))
        model = Model(name, schema, settings, self._epoch, self._resources)
        if model.privacy is None:
            self._resources.guards.check_unclaimed(name)
        self._guard(model)
        first = model.initialise(flat, time_s)
        self._log.append(registered(model, first, self._resources.guards.head), settings.acknowledgement)
        self._add(model)
        conditions = {model_condition(name), number_condition(name, 1), FOLLOWER_ADDED}
        return Changed((first.version, True), frozenset(conditions))

    def check_registration(self, name: str, schema: ModelSchema) -> None:
        """Refuse a registration before its values move; as `register`."""
        if not _NAME.fullmatch(name):
            raise InvalidArgumentError.of("model", name, "letters, digits, '_', '.', '-', at most 128, no leading sign")
        if name in self._models and schema != self._models[name].schema:
            field, got, have = first_difference(schema, self._models[name].schema)
            details = {"field": field, "value": got, "allowed": have}
            message = f"model {name!r} has another schema: {field}: got {got}, has {have}"
            raise AlreadyExistsError(message, details=details)

    def admit(self, header: ContributionHeader, num_bytes: int, client_id: str, now_s: float) -> Acknowledgement | None:
        """Check a contribution before its values move; return the answer when it was counted before.

        Raises:
          PermissionDeniedError: it names another client than the one that sends it.
          SchemaMismatchError: it has another length than the model.
          as `admission.admit`.
        """
        model = self.model(header.model)
        if header.client_id != client_id:
            details = {"field": "client_id", "value": header.client_id, "allowed": client_id}
            message = f"client_id: got {header.client_id!r}, allowed: {client_id!r} (the caller's identity)"
            raise PermissionDeniedError(message, details=details)
        if model.is_following:
            return self._admit_part(model, header, num_bytes)
        if (answer := model.repeated(header)) is not None:
            return answer
        check_packing(model.layout, header, num_bytes)
        admit(model, header, now_s)
        return None

    def push(
        self, header: ContributionHeader, decoded: Decoded, num_bytes: int, now_s: float, time_s: float
    ) -> Changed[Acknowledgement | HeronryError]:
        """Count an admitted contribution of `num_bytes` as packed, once however often it comes.

        With `validate_only` everything is checked and nothing is counted. Refusals as `plan_contribution`, and
        SchemaMismatchError when a model of another schema has taken the name since the values were decoded. In a
        private model values that are refused count as zeros, and the error is returned.
        """
        model = self.model(header.model)
        check_decoded(model.layout, decoded)
        if model.is_following:
            return self._take_part(model, header, decoded, num_bytes)
        if (answer := model.repeated(header)) is not None:
            return Changed(answer)
        try:
            with _unnoised(model, header):
                plan = plan_contribution(model, header, decoded, num_bytes, now_s, time_s)
        except InvalidContributionError as error:
            return self._refused(model, header, error, num_bytes, now_s, time_s)
        if header.validate_only:
            discard(model, plan)
            return Changed(_validated(model, plan))
        return Changed(plan.acknowledgement, self._counted(model, plan, now_s, time_s))

    def admit_and_push(
        self,
        header: ContributionHeader,
        decoded: Decoded,
        num_bytes: int,
        client_id: str,
        now_s: float,
        time_s: float,
    ) -> Changed[Acknowledgement | HeronryError]:
        """Do `admit` and `push` at once, for a contribution that is too small to be refused early."""
        answer = self.admit(header, num_bytes, client_id, now_s)
        return self.push(header, decoded, num_bytes, now_s, time_s) if answer is None else Changed(answer)

    def refuse(
        self,
        header: ContributionHeader,
        error: InvalidContributionError,
        num_bytes: int,
        client_id: str,
        now_s: float,
        time_s: float,
    ) -> Changed[HeronryError]:
        """Return why the values of a contribution are refused; in a private model they count as zeros, once.

        Nothing is counted with `validate_only`, or of a request that was counted before. Refusals as `admit`.
        """
        model = self.model(header.model)
        if model.privacy is None or self.admit(header, num_bytes, client_id, now_s) is not None:
            return Changed(error)
        return self._refused(model, header, error, num_bytes, now_s, time_s)

    def close_due(
        self, now_s: float, time_s: float, problems: list[HeronryError] | None = None
    ) -> Changed[float | None]:
        """Close the rounds whose deadline has passed, or draw further workers in.

        Args:
          now_s: the core clock's time.
          time_s: seconds since 1970.
          problems: gets what kept a round from closing; it is tried again at the next deadline.

        Returns:
          When to call again; None when nothing is due that is known of. A worker that comes, or a contribution,
          may begin a round with a deadline.
        """
        conditions: set[object] = set()
        for model in list(self._models.values()):
            conditions |= self._closed_due(model, now_s, time_s, problems)
        deadlines = [m.mode.deadline_s for m in self._models.values() if m.mode.deadline_s is not None]
        return Changed(min(deadlines, default=None), frozenset(conditions))

    def begin_checkpoint(self) -> Checkpoint:
        """Take the state as it is now, without open rounds; later changes go to the next journal. Copies nothing."""
        snapshots = tuple(ModelSnapshot.of(self._models[name]) for name in sorted(self._models))
        return Checkpoint(self._log.rotate(), self._epoch, snapshots, self._resources.guards.head)

    def restore(self, recovered: Recovered) -> list[HeronryError]:
        """Take over what a folder held, in this object's own epoch; return what had to be left out."""
        replay = Replay(self._resources, self._epoch)
        problems = replay.run(recovered)
        self._models = replay.models
        for model in self._models.values():
            self._expect(model)
        for model in self._models.values():
            if self._guard(model):
                # What a release may have left of must not enter another one.
                is_dropped_anyway = model.privacy is not None and model.privacy.keeps_cohort
                if model.round.num_contributions and not is_dropped_anyway:
                    problems.append(given_up(model))
                model.drop_round()
            model.enter_epoch(self._epoch)
        return problems

    def _refused(
        self,
        model: Model,
        header: ContributionHeader,
        error: InvalidContributionError,
        num_bytes: int,
        now_s: float,
        time_s: float,
    ) -> Changed[HeronryError]:
        """Count zeros for an admitted contribution to a private model; its client is told of the error all the same."""
        if model.privacy is None or header.validate_only:
            raise error
        plan = plan_zeros(model, header, num_bytes, now_s, time_s)
        return Changed(error, self._counted(model, plan, now_s, time_s))

    def _counted(self, model: Model, plan: Plan, now_s: float, time_s: float) -> Conditions:
        """Make a contribution's plan durable and true, and end a private round that it fills."""
        place = self._written(model, plan)
        conditions = self._changed(model, model.commit(plan, place, now_s))
        if model.privacy is not None:
            conditions |= self._closed_due(model, now_s, time_s, None)
        return conditions

    def _written(self, model: Model, plan: Plan) -> Place | None:
        if model.settings.acknowledgement is AcknowledgementLevel.MEMORY:
            return None
        try:
            return self._log.append(contributed(model, plan), model.settings.acknowledgement)
        except BaseException:
            discard(model, plan)
            raise

    def close(self) -> None:
        """Let go of the files and buffers of all models, and of the ledger."""
        super().close()
        self._resources.guards.close()

    def _expect(self, model: Model) -> None:
        """Remember what the model knows of the ledger: an older one is refused."""
        if model.privacy is not None and model.privacy.state.ledger_sequence:
            state = model.privacy.state
            self._resources.guards.expect(state.ledger_sequence, state.ledger_digest)

    def _guard(self, model: Model) -> bool:
        """Let a private model's releases be paid for from the ledger; tell whether it holds one that was missed."""
        if model.privacy is None:
            return False
        return model.privacy.attach(self._resources.guards.of(model.name, model.privacy.claim))

    def _closed_due(self, model: Model, now_s: float, time_s: float, problems: list[HeronryError] | None) -> Conditions:
        """Do what has become due for one model."""
        due = model.mode.poll(model.round, now_s)
        return self._changed(model, self._closed(model, due, now_s, time_s, problems))

    def _release(self, model: Model, privacy: ModelPrivacy, now_s: float, time_s: float) -> Conditions:
        """End a private round: paid for first, then made, then durable, then published."""
        guard, privacy.time_s = privacy.required_guard, time_s
        sequence = guard.reserve(privacy.open_release(), sorted(model.round.contributors), time_s)
        release = plan_release(model, time_s)
        self._log.append(released(model, release), model.settings.acknowledgement)
        guard.made()
        changed = model.commit_release(release, now_s)
        guard.commit(sequence, time_s)
        return changed

    def _closed(
        self, model: Model, due: Due, now_s: float, time_s: float, problems: list[HeronryError] | None
    ) -> Conditions:
        if not due.closes:
            return due.conditions
        try:
            if model.privacy is not None:
                return self._release(model, model.privacy, now_s, time_s)
            closing = plan_close(model, time_s)
            self._log.append(closed(model, closing), model.settings.acknowledgement)
        except HeronryError as error:
            model.figures.count_failure(error)
            if problems is not None:
                problems.append(error)
            return model.mode.postpone(model.round, now_s)
        return model.commit_close(closing, now_s)


def _unnoised(model: Model, header: ContributionHeader) -> contextlib.AbstractContextManager[None]:
    """Keep a contribution that is checked only from drawing noise, and a horizon from being paid for by it."""
    return model.privacy.validating() if header.validate_only and model.privacy else contextlib.nullcontext()


def _validated(model: Model, plan: Plan) -> Acknowledgement:
    """Return the answer to a contribution that was checked only."""
    return Acknowledgement(
        level=plan.acknowledgement.level,
        counted=False,
        round_id=plan.acknowledgement.round_id,
        closed_round=False,
        version=model.history.newest.version,
        staleness=plan.acknowledgement.staleness,
    )
