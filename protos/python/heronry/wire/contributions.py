"""Contributions and their acknowledgements as messages."""

from typing import Final

from heronry.api.params.v1 import params_pb2
from heronry.types.contribution import (
    Acknowledgement,
    ClosedRound,
    ContributionHeader,
    ContributionKind,
    CountedContribution,
    Invitation,
    ParameterCodec,
)
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.wire.levels import level_from_proto, level_to_proto
from heronry.wire.model_settings import settings_from_proto, settings_to_proto
from heronry.wire.times import duration_from_proto, duration_to_proto, time_from_proto, time_to_proto
from heronry.wire.versions import version_from_proto, version_to_proto

_KINDS: Final = {
    ContributionKind.GRADIENT: params_pb2.CONTRIBUTION_KIND_GRADIENT,
    ContributionKind.DELTA: params_pb2.CONTRIBUTION_KIND_DELTA,
    ContributionKind.WEIGHTS: params_pb2.CONTRIBUTION_KIND_WEIGHTS,
}
_KIND_OF: Final[dict[int, ContributionKind]] = {number: kind for kind, number in _KINDS.items()}
_CODECS: Final = {
    ParameterCodec.F32: params_pb2.PARAMETER_CODEC_F32,
    ParameterCodec.BF16: params_pb2.PARAMETER_CODEC_BF16,
    ParameterCodec.F16: params_pb2.PARAMETER_CODEC_F16,
    ParameterCodec.INT8: params_pb2.PARAMETER_CODEC_INT8,
    ParameterCodec.TOP_K: params_pb2.PARAMETER_CODEC_TOP_K,
}
_CODEC_OF: Final[dict[int, ParameterCodec]] = {
    params_pb2.PARAMETER_CODEC_UNSPECIFIED: ParameterCodec.F32,
    **{number: codec for codec, number in _CODECS.items()},
}


def codec_to_proto(codec: ParameterCodec) -> params_pb2.ParameterCodec:
    """Return the enum number of a codec."""
    return _CODECS[codec]


def codec_from_proto(number: int) -> ParameterCodec:
    """Return the codec of an enum number; unspecified is F32.

    Raises:
      InvalidArgumentError: a number without a known codec.
    """
    if number not in _CODEC_OF:
        raise InvalidArgumentError.of("codec", number, ", ".join(c.value for c in ParameterCodec))
    return _CODEC_OF[number]


def contribution_header_to_proto(header: ContributionHeader, num_bytes: int) -> params_pb2.PushHeader:
    """Return the message that opens a contribution of `num_bytes` packed bytes."""
    return params_pb2.PushHeader(
        model=header.model,
        client_id=header.client_id,
        request_id=header.request_id,
        base_version=version_to_proto(header.base_version),
        kind=_KINDS[header.kind],
        codec=_CODECS[header.codec],
        sample_count=header.sample_count,
        weight=header.weight,
        round_id=header.round_id,
        num_bytes=num_bytes,
        fencing_token=header.fencing_token,
        validate_only=header.validate_only,
    )


def contribution_header_from_proto(message: params_pb2.PushHeader) -> ContributionHeader:
    """Return the header of a contribution; `num_bytes` stays with the message.

    Raises:
      InvalidArgumentError: no base version, or an enum without a known value.
    """
    if message.kind not in _KIND_OF:
        raise InvalidArgumentError.of("kind", message.kind, ", ".join(k.value for k in ContributionKind))
    if not message.HasField("base_version"):
        raise InvalidArgumentError.of("base_version", None, "the version the contribution was computed at")
    return ContributionHeader(
        model=message.model,
        client_id=message.client_id,
        request_id=message.request_id,
        base_version=version_from_proto(message.base_version),
        kind=_KIND_OF[message.kind],
        codec=codec_from_proto(message.codec),
        sample_count=message.sample_count,
        weight=message.weight if message.HasField("weight") else 1.0,
        round_id=message.round_id,
        fencing_token=message.fencing_token,
        validate_only=message.validate_only,
    )


def acknowledgement_to_proto(acknowledgement: Acknowledgement) -> params_pb2.PushResponse:
    """Return the answer to a contribution."""
    return params_pb2.PushResponse(
        level=level_to_proto(acknowledgement.level),
        counted=acknowledgement.counted,
        round_id=acknowledgement.round_id,
        closed_round=acknowledgement.closed_round,
        version=version_to_proto(acknowledgement.version),
        staleness=acknowledgement.staleness,
    )


def acknowledgement_from_proto(message: params_pb2.PushResponse) -> Acknowledgement:
    """Return the acknowledgement of a contribution."""
    return Acknowledgement(
        level=level_from_proto(message.level, default=AcknowledgementLevel.MEMORY),
        counted=message.counted,
        round_id=message.round_id,
        closed_round=message.closed_round,
        version=version_from_proto(message.version),
        staleness=message.staleness,
    )


def closed_round_to_proto(closed: ClosedRound) -> params_pb2.WatchRoundsResponse:
    """Encode what a version was made of."""
    contributions = [
        params_pb2.CountedContribution(client_id=c.client_id, request_id=c.request_id, factor=c.factor, weight=c.weight)
        for c in closed.contributions
    ]
    return params_pb2.WatchRoundsResponse(
        round_id=closed.round_id,
        version=version_to_proto(closed.version),
        contributions=contributions,
        publish_time=time_to_proto(closed.publish_time_s),
        settings=None if closed.settings is None else settings_to_proto(closed.settings),
        rollback_request_id=closed.rollback_id,
    )


def round_settings_to_proto(settings: ModelSettings) -> params_pb2.WatchRoundsResponse:
    """Encode the settings of the round that is open."""
    return params_pb2.WatchRoundsResponse(settings=settings_to_proto(settings))


def round_news_from_proto(message: params_pb2.WatchRoundsResponse) -> ClosedRound | ModelSettings:
    """Decode what a version was made of, or the settings of the round that is open."""
    return closed_round_from_proto(message) if message.round_id else settings_from_proto(message.settings)


def closed_round_from_proto(message: params_pb2.WatchRoundsResponse) -> ClosedRound:
    """Decode what a version was made of."""
    contributions = tuple(
        CountedContribution(c.client_id, c.request_id, c.factor, c.weight) for c in message.contributions
    )
    version = version_from_proto(message.version)
    return ClosedRound(
        message.round_id,
        version,
        contributions,
        time_from_proto(message.publish_time),
        message.rollback_request_id,
        settings_from_proto(message.settings) if message.HasField("settings") else None,
    )


def invitation_to_proto(invitation: Invitation) -> params_pb2.JoinRoundsResponse:
    """Encode an invitation to a round."""
    remaining_s = invitation.remaining_s
    return params_pb2.JoinRoundsResponse(
        round_id=invitation.round_id,
        base_version=version_to_proto(invitation.base_version),
        remaining=None if remaining_s is None else duration_to_proto(remaining_s),
    )


def invitation_from_proto(message: params_pb2.JoinRoundsResponse) -> Invitation:
    """Decode an invitation to a round."""
    remaining_s = duration_from_proto(message.remaining) if message.HasField("remaining") else None
    return Invitation(message.round_id, version_from_proto(message.base_version), remaining_s)
