"""Changes of models as journal records, and back."""

import numpy as np

from heronry.params.core.aggregation.contribution import Contribution
from heronry.params.core.aggregation.differences import Difference
from heronry.params.core.durability.documents import (
    as_float,
    as_int,
    as_text,
    schema_from_document,
    schema_to_document,
    version_from_document,
    version_to_document,
)
from heronry.params.core.durability.journal import Record, payload_of
from heronry.params.core.durability.private_documents import (
    head_from_document,
    head_to_document,
    private_state_from_document,
    private_state_to_document,
)
from heronry.params.core.durability.settings_documents import settings_from_document, settings_to_document
from heronry.params.core.layout import Bytes, ParameterLayout, Vector
from heronry.params.core.model import Model
from heronry.params.core.plans import Closing, Plan, PrivateRelease, Rollback
from heronry.params.core.private.state import PrivateState
from heronry.params.core.rounds import Entry
from heronry.params.core.versions import Published
from heronry.privacy.ledger import Head
from heronry.types.errors import DataLossError
from heronry.types.models import ModelSettings
from heronry.types.tensors import Array, ModelSchema

OPENED = "opened"
REGISTERED = "registered"
CONTRIBUTED = "contributed"
CLOSED = "closed"
RELEASED = "released"
TAGGED = "tagged"
ROLLED_BACK = "rolled_back"
UPDATED = "updated"
DELETED = "deleted"


def opened(epoch: int) -> Record:
    """Return the record that begins every journal."""
    return Record(OPENED, {"epoch": epoch})


def registered(model: Model, first: Published, head: Head | None) -> Record:
    """Return the record of a new model with its first values, and the ledger's head: an older ledger is refused."""
    fields: dict[str, object] = {
        "model": model.name,
        "schema": schema_to_document(model.schema),
        "settings": settings_to_document(model.settings),
        "time_s": first.publish_time_s,
        "ledger": head_to_document(head),
    }
    return Record(REGISTERED, fields, (first.flat,))


def registration_in(record: Record) -> tuple[str, ModelSchema, ModelSettings, Bytes, float]:
    """Return name, schema, settings, first values and time of a registration."""
    fields = record.fields
    schema, settings = schema_from_document(fields["schema"]), settings_from_document(fields["settings"])
    return as_text(fields["model"]), schema, settings, payload_of(record), as_float(fields["time_s"])


def contributed(model: Model, plan: Plan) -> Record:
    """Return the record of a counted contribution.

    It holds the difference, not what was pushed: replaying it needs no base version.
    """
    entry, contribution = plan.entry, plan.entry.contribution
    difference = contribution.difference
    fields: dict[str, object] = {
        "model": model.name,
        "client_id": entry.client_id,
        "request_id": entry.request_id,
        "factor": contribution.factor,
        "weight": contribution.weight,
        "largest": contribution.largest,
        "squared_norm": contribution.squared_norm,
        "staleness": entry.staleness,
        "answered_round": entry.answered_round,
        "sign": difference.sign,
        "is_anchored": difference.is_anchored,
        "time_s": entry.time_s,
        "round_id": plan.acknowledgement.round_id,
        "content_hash": _hash_of(plan.closing),
    }
    others = [np.ascontiguousarray(v).reshape(-1).view(np.uint8) for v in entry.others.values()]
    tail = (np.concatenate(others),) if others else ()
    return Record(CONTRIBUTED, fields, (difference.values.view(np.uint8), *tail))


def entry_in(record: Record, layout: ParameterLayout) -> Entry:
    """Return the entry of a contribution's record."""
    fields, payload = record.fields, payload_of(record)
    split = layout.num_parameters * layout.dtype.itemsize
    sign, is_anchored = as_float(fields["sign"]), fields["is_anchored"] is True
    contribution = Contribution(
        difference=Difference(payload[:split].view(layout.dtype), sign, is_anchored),
        factor=as_float(fields["factor"]),
        weight=as_float(fields["weight"]),
        largest=as_float(fields["largest"]),
        squared_norm=as_float(fields["squared_norm"]),
    )
    return Entry(
        client_id=as_text(fields["client_id"]),
        request_id=as_text(fields["request_id"]),
        contribution=contribution,
        others=others_in(payload[split:], layout),
        staleness=as_int(fields["staleness"]),
        answered_round=as_int(fields["answered_round"]),
        time_s=as_float(fields["time_s"]),
    )


def closes_round(record: Record) -> bool:
    """Tell whether a contribution closed its round."""
    return bool(record.fields["content_hash"])


def closed(model: Model, closing: Closing) -> Record:
    """Return the record of a round that was closed as it stood."""
    fields: dict[str, object] = {
        "model": model.name,
        "round_id": model.round.round_id,
        "time_s": closing.published.publish_time_s,
        "content_hash": _hash_of(closing),
    }
    return Record(CLOSED, fields)


def released(model: Model, release: PrivateRelease) -> Record:
    """Return the record of a private round's end: its noised mean, as the noise is not kept."""
    fields: dict[str, object] = {
        "model": model.name,
        "round_id": model.round.round_id,
        "time_s": release.closing.published.publish_time_s,
        "content_hash": _hash_of(release.closing),
        "state": private_state_to_document(release.state),
    }
    return Record(RELEASED, fields, (release.mean.view(np.uint8),))


def release_in(record: Record, layout: ParameterLayout) -> tuple[Vector, PrivateState, float]:
    """Return the noised mean, the mechanism's state and the time of a release."""
    mean = payload_of(record).view(layout.dtype)
    return mean, private_state_from_document(record.fields["state"]), as_float(record.fields["time_s"])


def check_outcome(record: Record, round_id: int, closing: Closing | None) -> None:
    """Refuse a replay that does not make what was acknowledged.

    Raises:
      DataLossError: round or content differ; records before this one are missing.
    """
    if (round_id, _hash_of(closing)) != (record.fields["round_id"], record.fields["content_hash"]):
        was = f"round {record.fields['round_id']}"
        raise DataLossError(f"model {record.fields['model']!r}: the journal does not lead to {was} as acknowledged")


def tagged(model: str, tag: str, published: Published) -> Record:
    """Return the record of a tag, with the values that it keeps."""
    version = version_to_document(published.version)
    fields: dict[str, object] = {"model": model, "tag": tag, "version": version, "time_s": published.publish_time_s}
    return Record(TAGGED, fields, (published.flat,))


def tag_in(record: Record) -> tuple[str, Published]:
    """Return tag and version of a tag's record."""
    return as_text(record.fields["tag"]), _published_in(record)


def rolled_back(model: Model, rollback: Rollback, selected: Published) -> Record:
    """Return the record of a rollback, with the values that it went back to: a checkpoint may not hold them."""
    fields: dict[str, object] = {
        "model": model.name,
        "request_id": rollback.request_id,
        "version": version_to_document(selected.version),
        "time_s": rollback.published.publish_time_s,
        "round_id": model.round.round_id,
    }
    return Record(ROLLED_BACK, fields, (selected.flat,))


def rollback_in(record: Record) -> tuple[Published, str, float]:
    """Return the version gone back to, the request and the time of a rollback."""
    return _published_in(record), as_text(record.fields["request_id"]), as_float(record.fields["time_s"])


def updated(model: str, settings: ModelSettings) -> Record:
    """Return the record of other settings."""
    return Record(UPDATED, {"model": model, "settings": settings_to_document(settings)})


def update_in(record: Record) -> ModelSettings:
    """Return the settings of an update."""
    return settings_from_document(record.fields["settings"])


def deleted(model: str, head: Head | None) -> Record:
    """Return the record of a model that was dropped, and the ledger's head: what it has spent stays spent."""
    return Record(DELETED, {"model": model, "ledger": head_to_document(head)})


def head_in(record: Record) -> Head | None:
    """Return the ledger's head when a record was written; None where it says none."""
    if record.kind == RELEASED:
        state = private_state_from_document(record.fields["state"])
        return Head(state.ledger_sequence, state.ledger_digest)
    return head_from_document(record.fields.get("ledger"))


def model_in(record: Record) -> str:
    """Return the name of the model that a record is about."""
    return as_text(record.fields["model"])


def _published_in(record: Record) -> Published:
    version = version_from_document(record.fields["version"])
    return Published(version, payload_of(record), as_float(record.fields["time_s"]))


def _hash_of(closing: Closing | None) -> str:
    return closing.published.version.content_hash.hex() if closing else ""


def others_in(payload: Bytes, layout: ParameterLayout) -> dict[str, Array]:
    """Return the tensors that are not learnt from the end of a payload, copied."""
    others: dict[str, Array] = {}
    start = 0
    for tensor in layout.others:
        part = payload[start : start + tensor.num_bytes].copy()
        others[tensor.name] = part.view(tensor.element_type.dtype).reshape(tensor.shape)
        start += tensor.num_bytes
    return others
