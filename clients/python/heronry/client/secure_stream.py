"""One client's part in one round of secure aggregation, over its stream. Needs the `privacy` extra."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from functools import partial
from typing import TypeAlias

import grpc.aio

from heronry.api.params.v1 import secure_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.parameter_vector import Vector
from heronry.client.peer_status import peer_status
from heronry.client.piece_frames import frames_of_pieces
from heronry.privacy.noise import NoiseKey, add_skellam
from heronry.privacy.secure import ClientSession, ClientStep, MaskedInput, RoundParameters
from heronry.types.contribution import Acknowledgement, ContributionHeader
from heronry.types.errors import (
    SchemaMismatchError,
    StaleContributionError,
    UnavailableError,
    UnexpectedMessageError,
)
from heronry.types.privacy import DistributedNoise
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import upload_end
from heronry.wire.secure import (
    keys_to_proto,
    relayed_from_proto,
    result_from_proto,
    revealed_to_proto,
    roster_from_proto,
    round_from_proto,
    secure_header_to_proto,
    shares_to_proto,
    unmask_from_proto,
    words_to_bytes,
)

_METHOD = "/heronry.api.params.v1.ParamsService/SumSecurely"

Frames = Iterable[bytes]
# In quotes: before grpcio 1.84 it takes no parameters at run time.
SumMethod: TypeAlias = "grpc.aio.StreamStreamMultiCallable[bytes, pb.SumSecurelyResponse]"


class SecureStream:
    """Runs one round with keys and noise that are fresh for it; for one event loop, once."""

    def __init__(self, connection: Connection, header: ContributionHeader, claim: DistributedNoise) -> None:
        self._connection = connection
        self._header = header
        # The service calls for the noise once: what is added is never added again.
        noise = partial(add_skellam, NoiseKey.fresh(), 0)
        self._session = ClientSession(header.client_id, claim=claim, add_noise=noise)
        self._sending: asyncio.Queue[Frames | None] = asyncio.Queue()

    async def run(self, vector: Vector, weight: float, timeout_s: float) -> Acknowledgement:
        """Take part with a vector; errors as `ParamsClient.sum_securely`."""
        with self._connection.named_errors("SumSecurely", timeout_s):
            # The vectors' own channel: small calls do not wait behind them.
            channel = await self._connection.bulk()
            method: SumMethod = channel.stream_stream(_METHOD, None, pb.SumSecurelyResponse.FromString)
            opening = pb.SumSecurelyRequest(header=secure_header_to_proto(self._header))
            self._send([opening.SerializeToString()])
            call = method(self._requests(), timeout=timeout_s, metadata=self._connection.metadata)
            try:
                with peer_status(call):
                    async for message in call:
                        answer = await self._answered(message, vector, weight)
                        if answer is not None:
                            return answer
            finally:
                self._sending.put_nowait(None)
        raise UnavailableError("SumSecurely was ended by the service before the round was")

    async def _answered(self, message: pb.SumSecurelyResponse, vector: Vector, weight: float) -> Acknowledgement | None:
        """Do what the service's message asks for; return the answer at the end."""
        session = self._session
        match message.WhichOneof("part"):
            case "opened":
                self._say(pb.SumSecurelyRequest(keys=keys_to_proto(session.join(self._joined(message, vector)))))
            case "roster":
                shares = await asyncio.to_thread(session.share, roster_from_proto(message.roster))
                self._say(pb.SumSecurelyRequest(shares=shares_to_proto(shares)))
            case "relayed":
                await asyncio.to_thread(session.receive, relayed_from_proto(message.relayed))
                self._send(_frames(await asyncio.to_thread(session.contribute, vector, weight)))
            case "unmask":
                revealed = session.reveal(unmask_from_proto(message.unmask))
                self._say(pb.SumSecurelyRequest(revealed=revealed_to_proto(revealed)))
            case "result" if session.step is ClientStep.ENDED:
                return result_from_proto(message.result)
            case other:
                raise UnexpectedMessageError.of(session.step.value, str(other))
        return None

    def _joined(self, message: pb.SumSecurelyResponse, vector: Vector) -> RoundParameters:
        """Return the parameters of a round that this vector is for."""
        _, base, parameters = round_from_proto(message.opened)
        _check_base(self._header.base_version, base)
        if parameters.num_parameters != len(vector):
            raise SchemaMismatchError.of("values.num_parameters", len(vector), str(parameters.num_parameters))
        return parameters

    def _say(self, message: pb.SumSecurelyRequest) -> None:
        self._send([message.SerializeToString()])

    def _send(self, frames: Frames) -> None:
        self._sending.put_nowait(frames)

    async def _requests(self) -> AsyncIterator[bytes]:
        while (frames := await self._sending.get()) is not None:
            for frame in frames:
                yield frame


def _check_base(computed_at: ParameterVersion, base: ParameterVersion) -> None:
    staleness = base.staleness_of(computed_at)
    if staleness:
        details = {"field": "base_version", "staleness": str(staleness), "max_staleness": "0"}
        raise StaleContributionError(f"base_version: the round moves {base}, got {computed_at}", details=details)


def _frames(masked: MaskedInput) -> Frames:
    packed = words_to_bytes(masked)
    yield from frames_of_pieces([packed], pb.SumSecurelyRequest)
    yield pb.SumSecurelyRequest(end=upload_end(packed)).SerializeToString()
