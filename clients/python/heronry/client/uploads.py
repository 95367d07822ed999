"""Contributions on their way: through memory that the service lends, else as chunks."""

from collections.abc import Iterator, Sequence
from typing import Final

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.bulk import num_bytes_of, push_method, upload_frames
from heronry.client.connection import Connection
from heronry.client.lent_memory import LentMemory, Loan
from heronry.client.parameter_vector import Bytes
from heronry.client.peer_status import peer_status
from heronry.types.contribution import Acknowledgement, ContributionHeader
from heronry.types.errors import (
    AbortedError,
    DeadlineExceededError,
    HeronryError,
    InternalError,
    NotFoundError,
    UnavailableError,
)
from heronry.wire.contributions import acknowledgement_from_proto, contribution_header_to_proto

# Below it a stream costs no more than memory that is lent.
FEWEST_LENT_BYTES: Final = 256 << 10


class Uploads:
    """Hands contributions to the service, again while nobody answers; for one event loop."""

    def __init__(self, connection: Connection, lent: LentMemory) -> None:
        self._connection = connection
        self._lent = lent

    async def push(
        self, header: ContributionHeader, pieces: Sequence[Bytes], timeout_s: float | None
    ) -> Acknowledgement:
        """Hand in one contribution and return what the service makes of it."""
        num_bytes = num_bytes_of(pieces)
        opening = pb.PushRequest(header=contribution_header_to_proto(header, num_bytes))
        loan = await self._lent.take(num_bytes) if num_bytes >= FEWEST_LENT_BYTES else None
        if loan is None:
            return await self._streamed(opening, pieces, timeout_s)
        is_unused = False
        try:
            await loan.fill(pieces)
            answer = await self._shared(opening, loan, pieces, timeout_s)
            is_unused = True
        except HeronryError as error:
            is_unused = is_settled(error)
            raise
        else:
            return answer
        finally:
            self._lent.give_back(is_unused=is_unused)

    async def _streamed(
        self, opening: pb.PushRequest, pieces: Sequence[Bytes], timeout_s: float | None
    ) -> Acknowledgement:
        async def attempt(left_s: float) -> pb.PushResponse:
            return await self._sent(upload_frames(opening, pieces), left_s)

        return acknowledgement_from_proto(await self._connection.retried("Push", attempt, timeout_s))

    async def _shared(
        self, opening: pb.PushRequest, loan: Loan, pieces: Sequence[Bytes], timeout_s: float | None
    ) -> Acknowledgement:
        shared = pb.PushRequest(shared=pb.SharedUpload(loan_id=loan.loan_id))
        frames = (opening.SerializeToString(), shared.SerializeToString())

        async def attempt(left_s: float) -> pb.PushResponse:
            # A service that was started anew knows no loans.
            return await self._sent(iter(frames) if loan.is_open else upload_frames(opening, pieces), left_s)

        try:
            return acknowledgement_from_proto(await self._connection.retried("Push", attempt, timeout_s))
        except NotFoundError as error:
            if not is_about_a_loan(error):
                raise
        loan.end()
        return await self._streamed(opening, pieces, timeout_s)

    async def _sent(self, frames: Iterator[bytes], left_s: float) -> pb.PushResponse:
        method = push_method(await self._connection.bulk())
        call = method(frames, timeout=left_s, metadata=self._connection.metadata)
        with peer_status(call):
            return await call


def is_settled(error: HeronryError) -> bool:
    """Tell whether a push that failed so was not counted, and will not be."""
    return not isinstance(error, (UnavailableError, DeadlineExceededError, AbortedError, InternalError))


def is_about_a_loan(error: HeronryError) -> bool:
    """Tell whether the service does not know the loan, or no more."""
    return error.details.get("kind") == "loan"
