"""A worker of a model: its lease, the rounds it is drawn for, and what it contributes."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Final, Protocol, Self

from heronry.client.contribution_packing import Values
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.types.contribution import Acknowledgement, ContributionKind, Invitation, ParameterCodec
from heronry.types.errors import FailedPreconditionError, FencedError, HeronryError
from heronry.types.run import Lease
from heronry.types.version import ParameterVersion

# So that a lease outlives two heartbeats that were lost.
_HEARTBEATS_A_LEASE: Final = 3


class WorkerClient(Protocol):
    """What a worker is made of: the client of a whole model, or of one in shards."""

    async def register_worker(self, model: str, incarnation: int = 0) -> Lease: ...

    async def heartbeat(self, model: str, fencing_token: int) -> Lease: ...

    async def unregister_worker(self, model: str, fencing_token: int) -> None: ...

    def join_rounds(self, model: str, fencing_token: int = 0) -> AsyncGenerator[Invitation, None]: ...

    async def join_round(self, model: str, fencing_token: int = 0, timeout_s: float | None = None) -> Invitation: ...

    async def push(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = ParameterCodec.F32,
        top_k_share: float = 0.01,
        feedback: ErrorFeedback | None = None,
        local_privacy: LocalPrivacy | None = None,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        fencing_token: int = 0,
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> Acknowledgement: ...


class Worker:
    """Holds a worker's lease from entering to leaving, by heartbeats in the background; for one event loop.

    A lease that ran out, or that a restarted service forgot, is asked for again, with another token. Once a later
    incarnation of the same client has come, every call raises FencedError.
    """

    def __init__(self, client: WorkerClient, model: str, incarnation: int | None = None) -> None:
        """Take the client, whose identity the worker has; see `ParamsClient.worker`."""
        self.model = model
        self.incarnation = time.time_ns() // 1000 if incarnation is None else incarnation
        self._client = client
        self._lease: Lease | None = None
        self._fenced: FencedError | None = None
        self._beating: asyncio.Task[None] | None = None

    @property
    def lease(self) -> Lease:
        """The lease as it was granted or renewed last.

        Raises:
          FencedError: a later incarnation has it.
          FailedPreconditionError: the worker was not entered, or was left.
        """
        if self._fenced is not None:
            raise self._fenced
        if self._lease is None:
            raise FailedPreconditionError(f"worker of {self.model!r}: no lease, allowed: inside `with`")
        return self._lease

    @property
    def fencing_token(self) -> int:
        """What is shown with every contribution."""
        return self.lease.fencing_token

    async def push(
        self,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = ParameterCodec.F32,
        top_k_share: float = 0.01,
        feedback: ErrorFeedback | None = None,
        local_privacy: LocalPrivacy | None = None,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> Acknowledgement:
        """Hand in one contribution with the lease's token; see `ParamsClient.push`."""
        return await self._client.push(
            self.model,
            values,
            base_version=base_version,
            kind=kind,
            codec=codec,
            top_k_share=top_k_share,
            feedback=feedback,
            local_privacy=local_privacy,
            request_id=request_id,
            sample_count=sample_count,
            weight=weight,
            round_id=round_id,
            fencing_token=self.fencing_token,
            validate_only=validate_only,
            timeout_s=timeout_s,
        )

    async def rounds(self) -> AsyncGenerator[Invitation, None]:
        """Yield an invitation for every round the worker is drawn for; see `ParamsClient.join_rounds`."""
        while True:
            token = self.fencing_token
            try:
                async with contextlib.aclosing(self._client.join_rounds(self.model, token)) as invitations:
                    async for invitation in invitations:
                        yield invitation
            except FencedError:
                if token == self.fencing_token:
                    await self._register()

    async def join_round(self, timeout_s: float | None = None) -> Invitation:
        """Return the next round the worker is drawn for, or the open one it was drawn for before."""
        return await self._client.join_round(self.model, self.fencing_token, timeout_s)

    async def __aenter__(self) -> Self:
        await self._register()
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        beating, self._beating = self._beating, None
        if beating is not None:
            beating.cancel()
            await asyncio.wait([beating])
        lease, self._lease = self._lease, None
        if lease is not None and self._fenced is None:
            # It would run out by itself.
            with contextlib.suppress(HeronryError):
                await self._client.unregister_worker(self.model, lease.fencing_token)

    async def _register(self) -> None:
        try:
            self._lease = await self._client.register_worker(self.model, self.incarnation)
        except FencedError as error:
            self._fenced = error
            raise

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.lease.duration_s / _HEARTBEATS_A_LEASE)
            # What fails now may succeed at the next beat; the service judges whether the lease still holds.
            with contextlib.suppress(HeronryError):
                await self._renew()
            if self._fenced is not None:
                return

    async def _renew(self) -> None:
        try:
            self._lease = await self._client.heartbeat(self.model, self.fencing_token)
        except FencedError:
            await self._register()
