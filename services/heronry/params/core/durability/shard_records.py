"""What a shard that follows has taken and applied, as journal records, and back."""

import numpy as np

from heronry.params.core.durability.documents import as_float, as_int, as_list, as_text
from heronry.params.core.durability.journal import Record, payload_of
from heronry.params.core.durability.records import others_in
from heronry.params.core.durability.round_documents import closed_round_from_document, closed_round_to_document
from heronry.params.core.layout import ParameterLayout
from heronry.params.core.sharding.following import RoundPlan
from heronry.params.core.sharding.parts import Part, PartKey
from heronry.types.contribution import ClosedRound, ContributionKind
from heronry.types.errors import DataLossError

STAGED = "staged"
FOLLOWED = "followed"


def staged(model: str, part: Part) -> Record:
    """Return the record of a part that waits for its round."""
    fields: dict[str, object] = {
        "model": model,
        "client_id": part.client_id,
        "request_id": part.request_id,
        "base_number": part.base_number,
        "kind": part.kind.value,
        "largest": part.largest,
        "squared_norm": part.squared_norm,
        "restores": part.restores,
    }
    others = [np.ascontiguousarray(v).reshape(-1).view(np.uint8) for v in part.others.values()]
    tail = (np.concatenate(others),) if others else ()
    return Record(STAGED, fields, (part.values.view(np.uint8), *tail))


def part_in(record: Record, layout: ParameterLayout) -> Part:
    """Return the part of a record."""
    fields, payload = record.fields, payload_of(record)
    split = layout.num_parameters * layout.dtype.itemsize
    return Part(
        client_id=as_text(fields["client_id"]),
        request_id=as_text(fields["request_id"]),
        base_number=as_int(fields["base_number"]),
        kind=ContributionKind(fields["kind"]),
        values=payload[:split].view(layout.dtype),
        others=others_in(payload[split:], layout),
        largest=as_float(fields["largest"]),
        squared_norm=as_float(fields["squared_norm"]),
        restores=as_int(fields.get("restores", 0)),
    )


def followed(model: str, plan: RoundPlan) -> Record:
    """Return the record of a round of the first shard that was applied; the parts have records of their own."""
    fields: dict[str, object] = {
        "model": model,
        "closed": closed_round_to_document(plan.closed),
        "missing": [list(key) for key in sorted(plan.missing)],
        "content_hash": plan.closing.published.version.content_hash.hex(),
    }
    return Record(FOLLOWED, fields)


def followed_in(record: Record) -> tuple[ClosedRound, frozenset[PartKey]]:
    """Return the round of a record and the contributions whose part did not come."""
    missing = (as_list(key) for key in as_list(record.fields["missing"]))
    keys = frozenset((as_text(client_id), as_text(request_id)) for client_id, request_id in missing)
    return closed_round_from_document(record.fields["closed"]), keys


def check_followed(record: Record, plan: RoundPlan) -> None:
    """Refuse a replay that does not make the version that was published.

    Raises:
      DataLossError: the content differs; records before this one are missing.
    """
    if plan.closing.published.version.content_hash.hex() != record.fields["content_hash"]:
        message = (
            f"model {record.fields['model']!r}: the journal does not lead to round {plan.closed.round_id} as applied"
        )
        raise DataLossError(message)
