"""Memory that the service lends for contributions to be written into."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import grpc.aio
import numpy as np

from heronry.api.params.v1 import params_pb2 as pb
from heronry.client.connection import Connection
from heronry.client.offered_memory import fetch_offered
from heronry.client.offered_slots import may_share_memory
from heronry.client.parameter_vector import Bytes
from heronry.types.errors import HeronryError, ResourceExhaustedError, UnavailableError

_INLINE_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 5.0
# After which a service that had none to lend is asked again.
_PAUSE_S: Final = 10.0

LendCall = grpc.aio.UnaryStreamCall[pb.LendMemoryRequest, pb.LendMemoryResponse]
Lend = Callable[[pb.LendMemoryRequest], Awaitable["LendCall"]]


class Loan:
    """Memory lent for as long as its stream is open."""

    def __init__(self, call: "LendCall", loan_id: bytes, memory: Bytes) -> None:
        self.loan_id = loan_id
        self._call = call
        self._memory = memory

    @property
    def num_bytes(self) -> int:
        """Its length."""
        return self._memory.size

    @property
    def is_open(self) -> bool:
        """Whether the service still knows it."""
        return not self._call.done()

    async def fill(self, pieces: Sequence[Bytes]) -> None:
        """Write the bytes of a contribution."""
        if sum(piece.size for piece in pieces) <= _INLINE_BYTES:
            self._fill(pieces)
        else:
            await asyncio.to_thread(self._fill, pieces)

    def end(self) -> None:
        """Give it back."""
        self._call.cancel()

    def _fill(self, pieces: Sequence[Bytes]) -> None:
        start = 0
        for piece in pieces:
            self._memory[start : start + piece.size] = piece
            start += piece.size


class LentMemory:
    """Keeps one loan of the service, and asks for a longer one when a contribution needs it; for one event loop.

    A service that turns out to be elsewhere, or lends nothing, is not asked again.
    """

    def __init__(self, connection: Connection, lend: Lend) -> None:
        """Take `lend`, which opens the stream of a loan."""
        self._connection = connection
        self._lend = lend
        self._loan: Loan | None = None
        self._is_taken = False
        self._elsewhere = ""
        self._pause_end_s = 0.0

    async def take(self, num_bytes: int) -> Loan | None:
        """Return memory for one contribution, until it is given back; None when there is none to be had."""
        if self._is_taken or not num_bytes:
            return None
        # Taken before the first wait: contributions side by side must not share memory.
        self._is_taken = True
        loan = None
        try:
            if await self._is_wanted():
                loan = await self._fitting(num_bytes)
        finally:
            self._is_taken = loan is not None
        return loan

    def give_back(self, *, is_unused: bool) -> None:
        """End a taking; memory that the service may still be reading is not written to again."""
        self._is_taken = False
        if not is_unused:
            self.close()

    def close(self) -> None:
        """End the loan."""
        loan, self._loan = self._loan, None
        if loan is not None:
            loan.end()

    async def _is_wanted(self) -> bool:
        if not self._connection.options.shares_memory or time.monotonic() < self._pause_end_s:
            return False
        try:
            await self._connection.control()
        except UnavailableError:
            # The contribution itself is tried again for a while.
            return False
        address = self._connection.address
        return may_share_memory(address) and address != self._elsewhere

    async def _fitting(self, num_bytes: int) -> Loan | None:
        if self._loan is None or not self._loan.is_open or self._loan.num_bytes < num_bytes:
            self.close()
            self._loan = await self._new(num_bytes)
        return self._loan

    async def _new(self, num_bytes: int) -> Loan | None:
        address = self._connection.address
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                with self._connection.named_errors("LendMemory"):
                    loan = await self._attached(await self._lend(pb.LendMemoryRequest(num_bytes=num_bytes)))
        except (ResourceExhaustedError, UnavailableError, TimeoutError):
            self._pause_end_s = time.monotonic() + _PAUSE_S
            return None
        except HeronryError:
            loan = None
        if loan is None:
            self._elsewhere = address
        return loan

    async def _attached(self, call: "LendCall") -> Loan | None:
        try:
            answer = await call.read()
            if isinstance(answer, pb.LendMemoryResponse):
                offer = answer.memory
                memory = await fetch_offered(offer.socket_path, offer.token, offer.num_bytes, writable=True)
                if memory is not None and offer.num_bytes:
                    return Loan(call, answer.loan_id, np.frombuffer(memory, np.uint8))
        except BaseException:
            call.cancel()
            raise
        call.cancel()
        return None
