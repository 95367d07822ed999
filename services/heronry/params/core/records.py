"""Changes of models as journal records, and back."""

import numpy as np

from heronry.params.core.aggregation import Difference
from heronry.params.core.documents import (
    as_float,
    as_int,
    as_text,
    schema_from_document,
    schema_to_document,
    settings_from_document,
    settings_to_document,
    version_from_document,
    version_to_document,
)
from heronry.params.core.journal import Record, payload_of
from heronry.params.core.layout import Bytes, ParameterLayout
from heronry.params.core.model import Entry, Model, Plan
from heronry.params.core.versions import Published
from heronry.types.errors import DataLossError
from heronry.types.models import ModelSettings
from heronry.types.tensors import Array, ModelSchema

OPENED = "opened"
REGISTERED = "registered"
CONTRIBUTED = "contributed"
TAGGED = "tagged"


def opened(epoch: int) -> Record:
    """Return the record that begins every journal."""
    return Record(OPENED, {"epoch": epoch})


def registered(model: Model, first: Published) -> Record:
    """Return the record of a new model with its first values."""
    fields: dict[str, object] = {
        "model": model.name,
        "schema": schema_to_document(model.schema),
        "settings": settings_to_document(model.settings),
        "time_s": first.publish_time_s,
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
    entry, published = plan.entry, plan.published
    fields: dict[str, object] = {
        "model": model.name,
        "client_id": entry.client_id,
        "request_id": entry.request_id,
        "weight": entry.weight,
        "staleness": entry.staleness,
        "sign": entry.difference.sign,
        "is_anchored": entry.difference.is_anchored,
        "time_s": entry.time_s,
        "round_id": plan.acknowledgement.round_id,
        "content_hash": published.version.content_hash.hex() if published else "",
    }
    others = [np.ascontiguousarray(v).reshape(-1).view(np.uint8) for v in entry.others.values()]
    tail = (np.concatenate(others),) if others else ()
    return Record(CONTRIBUTED, fields, (entry.difference.values.view(np.uint8), *tail))


def entry_in(record: Record, layout: ParameterLayout) -> Entry:
    """Return the entry of a contribution's record."""
    fields, payload = record.fields, payload_of(record)
    split = layout.num_parameters * layout.dtype.itemsize
    sign, is_anchored = as_float(fields["sign"]), fields["is_anchored"] is True
    return Entry(
        client_id=as_text(fields["client_id"]),
        request_id=as_text(fields["request_id"]),
        weight=as_float(fields["weight"]),
        staleness=as_int(fields["staleness"]),
        difference=Difference(payload[:split].view(layout.dtype), sign, is_anchored),
        others=_others_in(payload[split:], layout),
        time_s=as_float(fields["time_s"]),
    )


def check_outcome(record: Record, plan: Plan) -> None:
    """Refuse a replay that does not make what was acknowledged.

    Raises:
      DataLossError: round or content differ; records before this one are missing.
    """
    made = plan.published.version.content_hash.hex() if plan.published else ""
    if (plan.acknowledgement.round_id, made) != (record.fields["round_id"], record.fields["content_hash"]):
        was = f"round {record.fields['round_id']}"
        raise DataLossError(f"model {record.fields['model']!r}: the journal does not lead to {was} as acknowledged")


def tagged(model: str, tag: str, published: Published) -> Record:
    """Return the record of a tag, with the values that it keeps."""
    version = version_to_document(published.version)
    fields: dict[str, object] = {"model": model, "tag": tag, "version": version, "time_s": published.publish_time_s}
    return Record(TAGGED, fields, (published.flat,))


def tag_in(record: Record) -> tuple[str, str, Published]:
    """Return model, tag and version of a tag's record."""
    fields = record.fields
    version = version_from_document(fields["version"])
    published = Published(version, payload_of(record), as_float(fields["time_s"]))
    return as_text(fields["model"]), as_text(fields["tag"]), published


def _others_in(payload: Bytes, layout: ParameterLayout) -> dict[str, Array]:
    others: dict[str, Array] = {}
    start = 0
    for tensor in layout.others:
        part = payload[start : start + tensor.num_bytes].copy()
        others[tensor.name] = part.view(tensor.element_type.dtype).reshape(tensor.shape)
        start += tensor.num_bytes
    return others
