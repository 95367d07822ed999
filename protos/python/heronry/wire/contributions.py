"""Contributions and their acknowledgements as messages."""

from typing import Final

from heronry.api.params.v1 import params_pb2
from heronry.types.contribution import Acknowledgement, ContributionHeader, ContributionKind, ParameterCodec
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.wire.levels import level_from_proto, level_to_proto
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
