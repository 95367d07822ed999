"""The models of a service, and the order in which their changes become durable."""

import re
from collections.abc import Hashable
from typing import Protocol

from heronry.params.core.checkpoint import Checkpoint
from heronry.params.core.documents import as_int, as_text
from heronry.params.core.journal import Record
from heronry.params.core.layout import Bytes
from heronry.params.core.model import Model
from heronry.params.core.records import (
    CONTRIBUTED,
    OPENED,
    REGISTERED,
    TAGGED,
    check_outcome,
    contributed,
    entry_in,
    registered,
    registration_in,
    tag_in,
    tagged,
)
from heronry.params.core.snapshot import ModelSnapshot
from heronry.params.core.state_folder import Recovered
from heronry.params.core.versions import Published
from heronry.types.blocking import Changed, Waiting, WouldBlock
from heronry.types.contribution import Acknowledgement, ContributionHeader
from heronry.types.errors import (
    AlreadyExistsError,
    DataLossError,
    HeronryError,
    InvalidArgumentError,
    ModelNotFoundError,
    PermissionDeniedError,
    SchemaMismatchError,
    VersionNotFoundError,
)
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelInfo, ModelSettings, PrivacyStatus
from heronry.types.tensors import ModelSchema, TensorSpec
from heronry.types.version import ParameterVersion

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Log(Protocol):
    """Where changes are made durable."""

    def append(self, record: Record, level: AcknowledgementLevel) -> None:
        """Return when the record survives what the level says."""

    def rotate(self) -> int:
        """Begin the journal that follows the next checkpoint; return the checkpoint's sequence."""


class Models:
    """All models by name; owned by one thread, which makes every change in three steps.

    Plan (may refuse, changes nothing), append to the log (may fail, changes nothing), commit
    (cannot fail). What is acknowledged is thereby durable, and what is refused never happened.
    """

    def __init__(self, log: Log, epoch: int, lease_s: float) -> None:
        self._log = log
        self._epoch = epoch
        self._lease_s = lease_s
        self._models: dict[str, Model] = {}

    def register(
        self, name: str, schema: ModelSchema, settings: ModelSettings, flat: Bytes, time_s: float
    ) -> Changed[tuple[ParameterVersion, bool]]:
        """Create a model with its first values; one of equal schema stays as it is.

        Returns:
          The newest version and whether the model is new.

        Raises:
          AlreadyExistsError: the model exists with another schema.
          SchemaMismatchError, InvalidContributionError: the values do not fit, or are not finite.
          UnimplementedError: the settings ask for privacy.
        """
        if name in self._models:
            return Changed((self._check_equal(name, schema), False))
        model, first = self._new_model(name, schema, settings, flat, time_s)
        self._log.append(registered(model, first), settings.acknowledgement)
        self._models[name] = model
        return Changed((first.version, True), frozenset({("model", name), _number_condition(name, 1)}))

    def check_registration(self, name: str, schema: ModelSchema) -> None:
        """Refuse a registration before its values move; as `register`."""
        if not _NAME.fullmatch(name):
            raise InvalidArgumentError.of("model", name, "letters, digits, '_', '.', '-', at most 128, no leading sign")
        if name in self._models:
            self._check_equal(name, schema)

    def model(self, name: str) -> Model:
        """Return a model.

        Raises:
          ModelNotFoundError: there is none of that name.
        """
        if name not in self._models:
            raise ModelNotFoundError.of("model", name, sorted(self._models))
        return self._models[name]

    def admit(self, header: ContributionHeader, num_bytes: int, client_id: str, now_s: float) -> Acknowledgement | None:
        """Check a contribution before its values move; return the answer when it was counted before.

        Raises:
          PermissionDeniedError: it names another client than the one that sends it.
          SchemaMismatchError: it has another length than the model.
          as `Model.admit`.
        """
        model = self.model(header.model)
        if header.client_id != client_id:
            details = {"field": "client_id", "value": header.client_id, "allowed": client_id}
            message = f"client_id: got {header.client_id!r}, allowed: {client_id!r} (the caller's identity)"
            raise PermissionDeniedError(message, details=details)
        if (answer := model.repeated(header)) is not None:
            return answer
        if num_bytes != model.schema.num_bytes:
            raise SchemaMismatchError.of("num_bytes", num_bytes, f"{model.schema.num_bytes} (the model's schema)")
        model.admit(header, now_s)
        return None

    def push(self, header: ContributionHeader, flat: Bytes, now_s: float, time_s: float) -> Changed[Acknowledgement]:
        """Count an admitted contribution, once however often it comes; see `Model.plan` for refusals."""
        model = self.model(header.model)
        if (answer := model.repeated(header)) is not None:
            return Changed(answer)
        plan = model.plan(header, flat, now_s, time_s)
        if model.settings.acknowledgement is not AcknowledgementLevel.MEMORY:
            self._log.append(contributed(model, plan), model.settings.acknowledgement)
        model.commit(plan)
        if plan.published is None:
            return Changed(plan.acknowledgement)
        conditions = {_number_condition(model.name, plan.published.version.number), _round_condition(model)}
        return Changed(plan.acknowledgement, frozenset(conditions))

    def admit_and_push(
        self, header: ContributionHeader, flat: Bytes, client_id: str, now_s: float, time_s: float
    ) -> Changed[Acknowledgement]:
        """Do `admit` and `push` at once, for a contribution that is too small to be refused early."""
        answer = self.admit(header, flat.nbytes, client_id, now_s)
        return self.push(header, flat, now_s, time_s) if answer is None else Changed(answer)

    def count_refused(self, name: str, client_id: str) -> None:
        """Count a refusal, when there is such a model."""
        if name in self._models:
            self._models[name].count_refused(client_id)

    def select(self, name: str, number: int | None, tag: str | None, may_wait: bool) -> Published:
        """Return a version by number or tag, the newest when neither is given.

        Raises:
          WouldBlock: there is no such version yet and the caller may wait.
          VersionNotFoundError: there is none, or it is no longer kept.
        """
        model = self._awaited(name, may_wait)
        try:
            return model.history.select(number=number, tag=tag)
        except VersionNotFoundError:
            newest = model.history.newest.version.number
            if not may_wait or (number is not None and number <= newest):
                raise
            condition = ("tag", name, tag) if tag is not None else _number_condition(name, number or 0)
            raise _waits(condition, f"version {tag or number} of {name!r}", newest, number or 0) from None

    def newer(self, name: str, than: ParameterVersion | None, may_wait: bool) -> Published | None:
        """Return the newest version when it is newer than a reader's; any is, when the epochs differ.

        Returns:
          None when the reader has the newest one and does not wait.

        Raises:
          WouldBlock: the reader has the newest one.
        """
        newest = self._awaited(name, may_wait).history.newest
        if than is None or than.epoch != newest.version.epoch or newest.version.number > than.number:
            return newest
        if not may_wait:
            return None
        condition = _number_condition(name, than.number + 1)
        raise _waits(condition, f"version of {name!r}", newest.version.number, than.number + 1)

    def tag(self, name: str, number: int, tag: str) -> Changed[ParameterVersion]:
        """Keep a version, 0 being the newest, under a tag."""
        model = self.model(name)
        published = model.history.select(number=number or None)
        model.history.check_tag(tag)
        self._log.append(tagged(name, tag, published), model.settings.acknowledgement)
        model.history.tag(tag, published.version.number)
        return Changed(published.version, frozenset({("tag", name, tag)}))

    def next_round(
        self, name: str, client_id: str, token: int, after: int, now_s: float
    ) -> tuple[int, ParameterVersion]:
        """Return the open round once it is later than `after`, and the version to compute at.

        Everybody with a lease is invited to every round.

        Raises:
          WouldBlock: the round is still `after`.
          FencedError: the caller holds no lease.
        """
        model = self.model(name)
        model.workers.check_token(client_id, token, now_s)
        if model.round.round_id <= after:
            raise _waits(("round", name, after + 1), f"round of {name!r}", model.round.round_id, after + 1)
        return model.round.round_id, model.history.newest.version

    @property
    def num_bytes(self) -> int:
        """Bytes of one version of every model; callable from any thread."""
        return sum(model.num_bytes for model in list(self._models.values()))

    def figures(self) -> dict[str, float]:
        """Sum up all models; callable from any thread."""
        models = list(self._models.values())
        return {
            "versions": float(sum(m.history.newest.version.number for m in models)),
            "accepted": float(sum(m.num_accepted for m in models)),
            "refused": float(sum(m.num_refused for m in models)),
        }

    def infos(self) -> list[ModelInfo]:
        """Describe all models, sorted by name."""
        return [self._models[name].info() for name in sorted(self._models)]

    def privacy_status(self, name: str) -> PrivacyStatus:
        """State what is claimed: nothing, as no mechanism is offered."""
        self.model(name)
        statement = (
            f"No privacy claim is made for model {name!r}: contributions are aggregated without clipping or noise."
        )
        return PrivacyStatus(has_claim=False, statement=statement)

    def begin_checkpoint(self) -> Checkpoint:
        """Take the state as it is now; later changes go to the next journal. Copies nothing."""
        snapshots = tuple(ModelSnapshot.of(self._models[name]) for name in sorted(self._models))
        return Checkpoint(self._log.rotate(), self._epoch, snapshots)

    def restore(self, recovered: Recovered) -> list[HeronryError]:
        """Take over what a folder held, in this object's own epoch; return what had to be left out."""
        problems: list[HeronryError] = []
        for snapshot in recovered.checkpoint.models if recovered.checkpoint else ():
            self._models[snapshot.name] = snapshot.to_model(self._lease_s)
        for record in recovered.records:
            try:
                self._replay(record)
            except HeronryError as error:
                problems.append(error)
        for model in self._models.values():
            model.enter_epoch(self._epoch)
        return problems

    def _replay(self, record: Record) -> None:
        if record.kind == OPENED:
            for model in self._models.values():
                model.enter_epoch(as_int(record.fields["epoch"]))
        elif record.kind == REGISTERED:
            model, _ = self._new_model(*registration_in(record))
            self._models[model.name] = model
        elif record.kind == CONTRIBUTED:
            model = self.model(as_text(record.fields["model"]))
            plan = model.plan_entry(entry_in(record, model.layout))
            check_outcome(record, plan)
            model.commit(plan)
        elif record.kind == TAGGED:
            name, tag, published = tag_in(record)
            self.model(name).history.keep(published)
            self.model(name).history.restore_tag(tag, published.version.number)
        else:
            raise DataLossError(f"the journal holds a record of unknown kind {record.kind!r}")

    def _new_model(
        self, name: str, schema: ModelSchema, settings: ModelSettings, flat: Bytes, time_s: float
    ) -> tuple[Model, Published]:
        self.check_registration(name, schema)
        model = Model(name, schema, settings, self._lease_s, self._epoch)
        return model, model.initialise(flat, time_s)

    def _awaited(self, name: str, may_wait: bool) -> Model:
        if may_wait and name not in self._models:
            raise _waits(("model", name), f"model {name!r}", 0, 1)
        return self.model(name)

    def _check_equal(self, name: str, schema: ModelSchema) -> ParameterVersion:
        model = self._models[name]
        if schema != model.schema:
            field, got, have = _first_difference(schema, model.schema)
            details = {"field": field, "value": got, "allowed": have}
            raise AlreadyExistsError(
                f"model {name!r} has another schema: {field}: got {got}, has {have}", details=details
            )
        return model.history.newest.version


def _first_difference(got: ModelSchema, have: ModelSchema) -> tuple[str, str, str]:
    if len(got.tensors) != len(have.tensors):
        return "schema.tensors", f"{len(got.tensors)} tensors", f"{len(have.tensors)} tensors"
    theirs, ours = next((g, h) for g, h in zip(got.tensors, have.tensors, strict=True) if g != h)
    return f"schema.{ours.name}", _described(theirs), _described(ours)


def _described(tensor: TensorSpec) -> str:
    parts = [tensor.name, f"{tensor.element_type.name.lower()}{list(tensor.shape)}", tensor.role.name]
    return " ".join([*parts, tensor.merge_rule.name] if tensor.merge_rule else parts)


def _number_condition(name: str, number: int) -> Hashable:
    # One condition a number: numbers rise by one, so everybody behind it in line may proceed.
    return "version", name, number


def _round_condition(model: Model) -> Hashable:
    return "round", model.name, model.round.round_id


def _waits(condition: Hashable, term: str, value: int, bound: int) -> WouldBlock:
    return WouldBlock(condition, Waiting("reader", term, value, bound))
