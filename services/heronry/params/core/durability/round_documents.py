"""What was counted, as JSON documents: answers to requests, the open round, closed rounds."""

from collections.abc import Sequence
from dataclasses import replace

from heronry.params.core.durability.documents import (
    Document,
    as_float,
    as_int,
    as_list,
    as_mapping,
    as_text,
    version_from_document,
    version_to_document,
)
from heronry.params.core.durability.settings_documents import settings_from_document, settings_to_document
from heronry.params.core.durability.snapshot import OpenRound
from heronry.params.core.requests import RequestKey
from heronry.params.core.rounds import Place
from heronry.types.contribution import Acknowledgement, ClosedRound, CountedContribution
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings


def round_to_document(opened: OpenRound) -> Document:
    """Describe the open round."""
    began = opened.began
    return {
        "round_id": opened.round_id,
        "sum_size": opened.sum_size,
        "began": None if began is None else [began.sequence, began.index],
        "num_contributions": opened.num_contributions,
    }


def round_from_document(document: object) -> OpenRound:
    """Read the open round back."""
    fields = as_mapping(document)
    began = fields["began"]
    place = None if began is None else Place(*(as_int(part) for part in as_list(began)))
    return OpenRound(as_int(fields["round_id"]), as_int(fields["sum_size"]), place, as_int(fields["num_contributions"]))


def request_to_document(request: tuple[RequestKey, Acknowledgement]) -> Document:
    """Describe an answer."""
    (client_id, request_id), answer = request
    return {
        "client_id": client_id,
        "request_id": request_id,
        "level": answer.level.value,
        "round_id": answer.round_id,
        "closed_round": answer.closed_round,
        "version": version_to_document(answer.version),
        "staleness": answer.staleness,
    }


def request_from_document(document: object) -> tuple[RequestKey, Acknowledgement]:
    """Read an answer back."""
    fields = as_mapping(document)
    answer = Acknowledgement(
        level=AcknowledgementLevel(fields["level"]),
        counted=True,
        round_id=as_int(fields["round_id"]),
        closed_round=fields["closed_round"] is True,
        version=version_from_document(fields["version"]),
        staleness=as_int(fields["staleness"]),
    )
    return (as_text(fields["client_id"]), as_text(fields["request_id"])), answer


def closed_round_to_document(closed: ClosedRound) -> Document:
    """Describe what a version was made of."""
    return {
        "round_id": closed.round_id,
        "version": version_to_document(closed.version),
        "contributions": [[c.client_id, c.request_id, c.factor, c.weight] for c in closed.contributions],
        "publish_time_s": closed.publish_time_s,
        "rollback_id": closed.rollback_id,
    }


def closed_round_from_document(document: object) -> ClosedRound:
    """Read a closed round back."""
    fields = as_mapping(document)
    return ClosedRound(
        round_id=as_int(fields["round_id"]),
        version=version_from_document(fields["version"]),
        contributions=tuple(_counted(as_list(c)) for c in as_list(fields["contributions"])),
        publish_time_s=as_float(fields["publish_time_s"]),
        rollback_id=as_text(fields.get("rollback_id", "")),
    )


def closed_rounds_to_document(rounds: Sequence[ClosedRound]) -> Document:
    """Describe closed rounds; settings once for all rounds in a row that closed with them."""
    runs: list[tuple[int, ModelSettings]] = []
    for closed in rounds:
        if closed.settings is not None and (not runs or runs[-1][1] != closed.settings):
            runs.append((closed.round_id, closed.settings))
    return {
        "rounds": [closed_round_to_document(closed) for closed in rounds],
        "settings": [[first, settings_to_document(settings)] for first, settings in runs],
    }


def closed_rounds_from_document(document: object) -> tuple[ClosedRound, ...]:
    """Read closed rounds back."""
    fields = as_mapping(document)
    runs = [as_list(run) for run in as_list(fields["settings"])]
    known = [(as_int(first), settings_from_document(settings)) for first, settings in runs]
    rounds = [closed_round_from_document(closed) for closed in as_list(fields["rounds"])]
    return tuple(replace(closed, settings=_settings_at(closed.round_id, known)) for closed in rounds)


def _settings_at(round_id: int, runs: Sequence[tuple[int, ModelSettings]]) -> ModelSettings | None:
    return next((settings for first, settings in reversed(runs) if first <= round_id), None)


def _counted(parts: list[object]) -> CountedContribution:
    client_id, request_id, factor, weight = parts
    return CountedContribution(as_text(client_id), as_text(request_id), as_float(factor), as_float(weight))
