"""Models made again from a checkpoint and the journals around it."""

from collections import Counter

from heronry.params.core.durability.documents import as_float, as_int
from heronry.params.core.durability.journal import Record
from heronry.params.core.durability.records import (
    CLOSED,
    CONTRIBUTED,
    DELETED,
    OPENED,
    REGISTERED,
    RELEASED,
    ROLLED_BACK,
    TAGGED,
    UPDATED,
    check_outcome,
    closes_round,
    entry_in,
    head_in,
    model_in,
    registration_in,
    release_in,
    rollback_in,
    tag_in,
    update_in,
)
from heronry.params.core.durability.shard_records import FOLLOWED, STAGED, check_followed, followed_in, part_in
from heronry.params.core.durability.snapshot import OpenRound
from heronry.params.core.durability.state_folder import Recovered
from heronry.params.core.model import Model
from heronry.params.core.planning import discard, plan_close, plan_entry
from heronry.params.core.private.releasing import plan_recorded
from heronry.params.core.resources import ModelResources
from heronry.params.core.rollback import plan_rollback
from heronry.params.core.rounds import Place
from heronry.params.core.sharding.following import apply_round, check_next, plan_round
from heronry.params.core.sharding.staging import put_part
from heronry.privacy.ledger import Head
from heronry.types.errors import DataLossError, HeronryError, ModelNotFoundError


class Replay:
    """Does again what the records say, in order.

    Of the records before the checkpoint only the contributions to rounds that were open then are counted: the
    checkpoint holds everything else.
    """

    def __init__(self, resources: ModelResources, epoch: int) -> None:
        """Make models in `epoch`, until a record says otherwise."""
        self.models: dict[str, Model] = {}
        self._resources = resources
        self._epoch = epoch

    def run(self, recovered: Recovered) -> list[HeronryError]:
        """Restore what a folder held; return what had to be left out."""
        snapshots = recovered.checkpoint.models if recovered.checkpoint else ()
        self._expect(recovered.checkpoint.ledger if recovered.checkpoint else None)
        self.models = {snapshot.name: snapshot.to_model(self._resources) for snapshot in snapshots}
        opened = {snapshot.name: snapshot.round for snapshot in snapshots}
        start = recovered.checkpoint.sequence if recovered.checkpoint else 0
        num_missing = Counter({name: was.num_contributions for name, was in opened.items()})
        problems: list[HeronryError] = []
        for place, record in recovered.records():
            try:
                if place.sequence >= start:
                    self._do(record, place)
                elif record.kind == CONTRIBUTED and _is_of(opened.get(model_in(record)), place):
                    self._contribute(record, place)
                    num_missing[model_in(record)] -= 1
                elif record.kind == STAGED and _is_of(opened.get(model_in(record)), place):
                    self._stage(record, place)
            except HeronryError as error:
                problems.append(error)
        lost = [(name, number) for name, number in num_missing.items() if number]
        return problems + [
            DataLossError(f"model {name!r}: {number} contributions to the open round are missing from the journals")
            for name, number in lost
        ]

    def _expect(self, head: Head | None) -> None:
        """Remember a head of the ledger, whatever has become of the model: an older one is refused."""
        if head is not None and head.sequence:
            self._resources.guards.expect(head.sequence, head.digest)

    def _do(self, record: Record, place: Place) -> None:
        self._expect(head_in(record))
        if record.kind == OPENED:
            self._epoch = as_int(record.fields["epoch"])
            for model in self.models.values():
                model.enter_epoch(self._epoch)
        elif record.kind == REGISTERED:
            self._register(record)
        elif record.kind == DELETED:
            self._delete(record)
        else:
            self._change(record, place)

    def _change(self, record: Record, place: Place) -> None:
        if record.kind == CONTRIBUTED:
            self._contribute(record, place)
        elif record.kind == CLOSED:
            self._close(record)
        elif record.kind == RELEASED:
            self._release(record)
        elif record.kind == STAGED:
            self._stage(record, place)
        elif record.kind == FOLLOWED:
            self._follow(record)
        elif record.kind == TAGGED:
            tag, published = tag_in(record)
            model = self._model(record)
            model.history.keep(published)
            model.history.restore_tags({tag: published.version.number})
        elif record.kind == ROLLED_BACK:
            self._roll_back(record)
        elif record.kind == UPDATED:
            self._model(record).change(update_in(record))
        else:
            raise DataLossError(f"the journal holds a record of unknown kind {record.kind!r}")

    def _register(self, record: Record) -> None:
        name, schema, settings, flat, time_s = registration_in(record)
        model = Model(name, schema, settings, self._epoch, self._resources)
        model.initialise(flat, time_s)
        if model.privacy is not None and (head := head_in(record)) is not None:
            model.privacy.note_head(head)
        self.models[name] = model

    def _delete(self, record: Record) -> None:
        # A model of level MEMORY was perhaps in no checkpoint: then nothing is known of it.
        model = self.models.pop(model_in(record), None)
        if model is not None:
            model.close()

    def _contribute(self, record: Record, place: Place) -> None:
        model = self._model(record)
        plan = plan_entry(model, entry_in(record, model.layout), closes=closes_round(record))
        try:
            check_outcome(record, plan.acknowledgement.round_id, plan.closing)
        except DataLossError:
            discard(model, plan)
            raise
        model.apply(plan, place)

    def _close(self, record: Record) -> None:
        model = self._model(record)
        if not model.round.num_contributions:
            raise DataLossError(f"model {model.name!r}: the journal closes a round whose contributions are missing")
        closing = plan_close(model, as_float(record.fields["time_s"]))
        check_outcome(record, model.round.round_id, closing)
        model.apply_close(closing)

    def _release(self, record: Record) -> None:
        model = self._model(record)
        release = plan_recorded(model, *release_in(record, model.layout))
        check_outcome(record, model.round.round_id, release.closing)
        model.apply_release(release)

    def _stage(self, record: Record, place: Place) -> None:
        model = self._model(record)
        part = part_in(record, model.layout)
        # What a round has counted before the checkpoint lies among the records of what still waits.
        was_counted = any(memory.find(*part.key) is not None for memory in (model.requests, model.rollbacks))
        if not was_counted and part.key not in model.waiting:
            put_part(model, model.waiting.prepare(part), place)

    def _follow(self, record: Record) -> None:
        model = self._model(record)
        closed, missing = followed_in(record)
        check_next(model, closed)
        plan = plan_round(model, closed, missing)
        check_followed(record, plan)
        model.apply_close(plan.closing)
        apply_round(model, plan)

    def _roll_back(self, record: Record) -> None:
        model = self._model(record)
        selected, request_id, time_s = rollback_in(record)
        if record.fields["round_id"] != model.round.round_id:
            raise DataLossError(f"model {model.name!r}: the journal does not lead to the round that was dropped")
        model.apply_rollback(plan_rollback(model, selected, request_id, time_s))

    def _model(self, record: Record) -> Model:
        name = model_in(record)
        if name not in self.models:
            raise ModelNotFoundError.of("model", name, sorted(self.models))
        return self.models[name]


def _is_of(was: OpenRound | None, place: Place) -> bool:
    """Tell whether a contribution before the checkpoint was to the round that was open then."""
    return was is not None and was.began is not None and place >= was.began
