"""Looking at a model that lies in several services, and steering it."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import NoReturn, Self

from heronry.client.arguments import check_name, check_optional_name, check_selection
from heronry.client.contribution_packing import Values
from heronry.client.model_shards import POLL_S, ModelShards, unhashed
from heronry.client.options import ConnectionOptions, check_address
from heronry.client.params import ParamsClient
from heronry.client.sharded_reads import ShardedReads
from heronry.client.side_by_side import side_by_side
from heronry.types.consistency import Consistency
from heronry.types.contribution import Invitation, ParameterCodec
from heronry.types.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    InvalidArgumentError,
    ModelNotFoundError,
    UnavailableError,
    VersionNotFoundError,
)
from heronry.types.models import ContributionLimits, ModelInfo, ModelSettings, VersionInfo, WorkerInfo
from heronry.types.optimizers import ServerOptimizer
from heronry.types.privacy import ClientSpending, PrivacyStatus
from heronry.types.run import Lease
from heronry.types.version import ParameterVersion


class ShardedAdminClient:
    """The small calls for models in several shards; task-safe within its event loop.

    What belongs to rounds is the first shard's: workers, leases, invitations, settings. The others follow it.
    """

    def __init__(
        self,
        addresses: Sequence[str | Sequence[str]],
        options: ConnectionOptions | None = None,
        *,
        first_address: str | None = None,
    ) -> None:
        """Keep where to connect: an address for each shard, or several (best first).

        `first_address` is where the other services reach the first one; None: as this client does.
        """
        self._shards = ModelShards(addresses, options or ConnectionOptions())
        first = addresses[0] if isinstance(addresses[0], str) else addresses[0][0]
        self._first_address = first_address or first
        check_address(self._first_address)

    @property
    def shards(self) -> tuple[ParamsClient, ...]:
        """The clients of the services, in the order of the shards."""
        return self._shards.clients

    @property
    def first(self) -> ParamsClient:
        """The client of the first shard."""
        return self._shards.first

    @property
    def client_id(self) -> str:
        """Who this client says it is."""
        return self._shards.options.client_id

    async def close(self) -> None:
        """Close the connections; calls and streams in flight end."""
        await self._shards.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get_model(self, model: str) -> ModelInfo:
        """Describe a model: its whole schema, and what the first shard says of its rounds."""
        check_name("model", model)
        return await self._whole(model, await self.first.get_model(model))

    async def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models that lie in these services, sorted by name; other models of theirs are passed over."""
        found = [info for info in await self.first.list_models() if self._is_sharded(info.settings)]
        return tuple([await self._whole(info.model, info) for info in found])

    async def update_model(
        self,
        model: str,
        *,
        consistency: Consistency | None = None,
        limits: ContributionLimits | None = None,
        optimizer: ServerOptimizer | None = None,
        group_optimizers: Mapping[str, ServerOptimizer] | None = None,
        num_versions_kept: int = 0,
    ) -> ModelInfo:
        """Change figures of a live model and describe it; what is None, or 0, stays.

        The first shard takes the change, and the others with the round that is open there: every version is made
        with the same figures at every shard. Returns when all have taken it.

        Raises:
          DeadlineExceededError: the first shard has taken the change, and another one not yet: it will when it
            follows again.
        """
        await self._shards.known(model)
        info = await self.first.update_model(
            model,
            consistency=consistency,
            limits=limits,
            optimizer=optimizer,
            group_optimizers=group_optimizers,
            num_versions_kept=num_versions_kept,
        )
        await side_by_side(self._taken_over(index, info) for index in range(1, len(self.shards)))
        return await self._whole(model, info)

    async def delete_model(self, model: str) -> None:
        """Drop every shard of a model; those that are gone already are passed over."""
        self._shards.forget(model)
        for shard in self.shards:
            with contextlib.suppress(ModelNotFoundError):
                await shard.delete_model(model)

    async def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that the first shard keeps, oldest first."""
        versions = await self.first.list_versions(model)
        return tuple(replace(info, version=unhashed(info.version)) for info in versions)

    async def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name, at every shard; number 0 is the newest."""
        number = number or (await self.first.get_model(model)).version.number
        versions = await side_by_side(self._tagged(shard, model, tag, number) for shard in reversed(self.shards))
        return unhashed(versions[-1])

    async def rollback_model(
        self, model: str, *, number: int | None = None, tag: str | None = None, request_id: str | None = None
    ) -> ParameterVersion:
        """Publish an earlier version's values again at every shard, under a new number, which is returned.

        Every other shard is first made to hold the values: when one of them does not have the version any more,
        nothing happens. The open round is dropped, and contributions computed before are refused.

        Raises:
          VersionNotFoundError: a shard does not have it, or does not come as far.
        """
        check_name("model", model)
        check_selection(number, tag)
        check_optional_name("request_id", request_id)
        if number is None and tag is None:
            raise InvalidArgumentError.of("which", "nothing", "a number or a tag")
        request_id = request_id or uuid.uuid4().hex
        if number is None:
            number = await ShardedReads(self._shards, model, ParameterCodec.F32).number_of(tag or "")
        held = (self._held(shard, model, number, request_id) for shard in self.shards[1:])
        await side_by_side(held)
        version = await self.first.rollback_model(model, number=number, request_id=request_id, asks_all_shards=True)
        return unhashed(version)

    async def export_version(
        self,
        model: str,
        directory: str,
        tag: str | None = None,
        number: int | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> NoReturn:
        """Refuse: each service would write its own range, below its own data directory.

        Raises:
          FailedPreconditionError: always.
        """
        raise _refused("export_version", "pull, and write what came where you are: no service has the whole model")

    async def save_checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> tuple[str, ...]:
        """Have every service write a checkpoint of all its models; return their directories, in the order of shards."""
        saving = (shard.save_checkpoint(run_id, request_id=request_id) for shard in self.shards)
        return tuple(await side_by_side(saving))

    async def register_worker(self, model: str, incarnation: int = 0) -> Lease:
        """Ask for a worker's lease on a model; see `ParamsClient.register_worker`."""
        return await self.first.register_worker(model, incarnation)

    async def heartbeat(self, model: str, fencing_token: int) -> Lease:
        """Renew a worker's lease; see `ParamsClient.heartbeat`."""
        return await self.first.heartbeat(model, fencing_token)

    async def unregister_worker(self, model: str, fencing_token: int) -> None:
        """Give a worker's lease back; what it contributed stays counted."""
        await self.first.unregister_worker(model, fencing_token)

    async def list_workers(self, model: str) -> tuple[WorkerInfo, ...]:
        """Describe the workers of a model, sorted by client id."""
        return await self.first.list_workers(model)

    async def join_rounds(self, model: str, fencing_token: int = 0) -> AsyncGenerator[Invitation, None]:
        """Yield an invitation for every round this client is drawn for; see `ParamsClient.join_rounds`."""
        async with aclosing(self.first.join_rounds(model, fencing_token)) as invitations:
            async for invitation in invitations:
                yield replace(invitation, base_version=unhashed(invitation.base_version))

    async def join_round(self, model: str, fencing_token: int = 0, timeout_s: float | None = None) -> Invitation:
        """Return the next round this client is drawn for, or the open one it was drawn for before."""
        invitation = await self.first.join_round(model, fencing_token, timeout_s)
        return replace(invitation, base_version=unhashed(invitation.base_version))

    async def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State that no claim is made: shards cannot have one."""
        return await self.first.get_privacy_status(model)

    async def list_client_spendings(self, model: str) -> tuple[ClientSpending, ...]:
        """Return nothing: a model without a claim spends nothing."""
        return await self.first.list_client_spendings(model)

    async def sum_securely(self, model: str, values: Values, **order: object) -> NoReturn:
        """Refuse: a claim bounds the norm of a whole contribution, which no shard sees.

        Raises:
          FailedPreconditionError: always.
        """
        raise _refused("sum_securely", "a model of one shard, or `local_privacy` of a push (no shard knows the norm)")

    def _is_sharded(self, settings: ModelSettings) -> bool:
        shard = settings.shard
        if shard is None:
            return len(self.shards) == 1
        return (shard.index, shard.num_shards) == (0, len(self.shards))

    async def _whole(self, model: str, info: ModelInfo) -> ModelInfo:
        whole = await self._shards.known(model)
        if whole.ranges[0].schema != info.schema:
            # Another model was made under this name since.
            self._shards.forget(model)
            whole = await self._shards.known(model)
        schema = whole.schema
        return replace(info, schema=schema, num_bytes=schema.num_bytes, version=unhashed(info.version))

    async def _taken_over(self, index: int, first: ModelInfo) -> None:
        """Wait until a shard has the first one's settings: those, or what another caller has made of them since."""
        end_s = time.monotonic() + self._shards.options.timeout_s
        while True:
            with contextlib.suppress(UnavailableError, DeadlineExceededError):
                settings = (await self.shards[index].get_model(first.model)).settings
                if replace(settings, shard=first.settings.shard) == first.settings:
                    return
                first = await self.first.get_model(first.model)
            if time.monotonic() >= end_s:
                message = (
                    f"update of {first.model!r}: shard {index} has not taken it yet; it will when it follows again"
                )
                raise DeadlineExceededError(message, details={"shard": str(index)})
            await asyncio.sleep(POLL_S)

    async def _tagged(self, shard: ParamsClient, model: str, tag: str, number: int) -> ParameterVersion:
        """Tag a version at one shard, which may have to come as far first."""
        return await self._once_there(shard, lambda: shard.tag_version(model, tag, number))

    async def _held(self, shard: ParamsClient, model: str, number: int, request_id: str) -> ParameterVersion:
        """Have a later shard hold a version until the first one has rolled back to it."""
        return await self._once_there(
            shard, lambda: shard.rollback_model(model, number=number, request_id=request_id, asks_all_shards=True)
        )

    async def _once_there(
        self, shard: ParamsClient, call: Callable[[], Awaitable[ParameterVersion]]
    ) -> ParameterVersion:
        """Make a call about a version; a later shard may have to come as far first."""
        end_s = time.monotonic() + self._shards.options.timeout_s
        while True:
            try:
                return await call()
            except VersionNotFoundError:
                if shard is self.first or time.monotonic() >= end_s:
                    raise
            await asyncio.sleep(POLL_S)


def _refused(call: str, allowed: str) -> FailedPreconditionError:
    details = {"field": call, "value": "a model in shards", "allowed": allowed}
    return FailedPreconditionError(f"{call}: got a model in shards, allowed: {allowed}", details=details)
