"""Client of a model that is cut over several parameter services."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from types import TracebackType
from typing import Final, Self, overload

from heronry.client.arguments import check_name, check_seconds, check_selection, check_version
from heronry.client.contribution_packing import Values
from heronry.client.options import ConnectionOptions, check_address
from heronry.client.params import ParamsClient
from heronry.client.sharded_parameters import ShardedModel, ShardedParameters
from heronry.client.side_by_side import side_by_side
from heronry.client.tensor_arrays import named_arrays
from heronry.types.contribution import Acknowledgement, ContributionKind, ParameterCodec
from heronry.types.errors import (
    AlreadyExistsError,
    ConfigurationError,
    ModelNotFoundError,
    VersionNotFoundError,
)
from heronry.types.field_checks import check_type
from heronry.types.models import ModelInfo, ModelSettings, Shard, VersionInfo
from heronry.types.tensors import ModelSchema, Roles
from heronry.types.version import ParameterVersion

F32: Final = ParameterCodec.F32
_TOP_K_SHARE: Final = 0.01
# Above this, putting shards together would hold up the event loop.
_INLINE_BYTES: Final = 1 << 20
_POLL_S: Final = 0.05


class ShardedParamsClient:
    """Registers, pulls, watches and pushes a model that lies in several services; task-safe within its event loop.

    Shard i of the model is at `addresses[i]`. The rounds are those of the first: contributions reach the others
    before it, and it alone says which of them count. Its client, `first`, has what belongs to rounds: workers,
    leases, invitations.
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
        if isinstance(addresses, str) or not addresses:
            raise ConfigurationError.of("addresses", addresses, "an address for each shard, at least one")
        options = options or ConnectionOptions()
        self._options = options
        self.shards = tuple(ParamsClient(address, options) for address in addresses)
        self._first_address = first_address or _one_of(addresses[0])
        check_address(self._first_address)
        self._models: dict[str, ShardedModel] = {}

    @property
    def first(self) -> ParamsClient:
        """The client of the first shard."""
        return self.shards[0]

    @property
    def client_id(self) -> str:
        """Who this client says it is."""
        return self._options.client_id

    async def close(self) -> None:
        """Close the connections; calls and streams in flight end."""
        for shard in self.shards:
            await shard.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Cut a model and create its shards; return the first one's newest version and whether it is new.

        A model of the same name and schema is left as it is. Whoever creates the first shard creates the others:
        of callers with different first values one wins, as with a whole model.

        Raises:
          AlreadyExistsError: the name is taken by another model, at one of the services.
          ModelNotFoundError: another caller has begun to register the model with other values, and did not end.
          InvalidArgumentError: settings that a model of several shards cannot have.
        """
        check_name("model", model)
        arrays = named_arrays("tensors", tensors)
        whole = ShardedModel(ModelSchema.of(arrays, roles), len(self.shards))
        parts = whole.cut(arrays, "tensors")
        settings = ModelSettings() if settings is None else settings
        check_type("settings", settings, ModelSettings)
        request_id = request_id or uuid.uuid4().hex

        async def register(index: int) -> tuple[ParameterVersion, bool]:
            shard_roles = {t.name: (t.role, t.merge_rule) for t in whole.ranges[index].schema.tensors}
            own = replace(settings, shard=self._shard(index))
            made = self.shards[index].register_model(model, parts[index], own, shard_roles, request_id=request_id)
            version, is_new = await made
            if index and not is_new and version.number == 1 and not whole.holds(version, index, parts[index]):
                message = f"model {model!r}: shard {index} was registered before, with other values; delete it first"
                raise AlreadyExistsError(message, details={"field": "model", "value": model, "shard": str(index)})
            return version, is_new

        version, is_new = await register(0)
        if is_new or whole.holds(version, 0, parts[0]):
            await side_by_side(register(index) for index in range(1, len(self.shards)))
        await self._known(model, self._options.timeout_s)
        return _unhashed(version), is_new

    @overload
    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        codec: ParameterCodec = F32,
        wait_s: float | None = None,
    ) -> ShardedParameters: ...

    @overload
    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None,
        codec: ParameterCodec = F32,
        wait_s: float | None = None,
    ) -> ShardedParameters | None: ...

    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None = None,
        codec: ParameterCodec = F32,
        wait_s: float | None = None,
    ) -> ShardedParameters | None:
        """Return one version, the same of every shard: the newest that the first one has, or that of a number or tag.

        With `newer_than`, None when there is nothing newer. Waits up to `wait_s` for the model, the version or a
        newer one to exist, and always for the other shards to come as far as the first one.

        Raises:
          ModelNotFoundError, VersionNotFoundError: there is none, or a shard does not come as far.
          DataLossError: the first shard was restored to an earlier state, and has made other versions since.
        """
        check_name("model", model)
        check_selection(number, tag)
        check_seconds("wait_s", wait_s)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        end_s = time.monotonic() + (wait_s or 0.0)
        await self._known(model, wait_s or 0.0)
        if tag is not None:
            number = await self._tagged_number(model, tag)
        if number is not None:
            parameters = await self._at(model, number, codec, wait_s)
            return parameters if parameters.version.is_newer_than(newer_than) else None
        newest = await self._newer(model, newer_than, end_s)
        return None if newest is None else await self._newest(model, newest.number, codec)

    async def watch(
        self, model: str, *, newer_than: ParameterVersion | None = None, codec: ParameterCodec = F32
    ) -> AsyncGenerator[ShardedParameters, None]:
        """Yield the newest version and then every newer one; a slow consumer skips versions."""
        check_name("model", model)
        await self._known(model, 0.0)
        last = newer_than
        async with aclosing(self.first.watch(model, newer_than=newer_than, with_values=False)) as heads:
            async for head in heads:
                # The version before may have been pulled at a newer number than its head named.
                if head.version.is_newer_than(last):
                    parameters = await self._newest(model, head.version.number, codec)
                    last = parameters.version
                    yield parameters

    async def push(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = F32,
        top_k_share: float = _TOP_K_SHARE,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        fencing_token: int = 0,
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> Acknowledgement:
        """Hand in one contribution: its parts to all shards but the first side by side, then the first one's.

        It is counted once however often it is sent, and not at all unless every shard has taken its part: a
        refusal by any of them is raised, and the first is then not asked. TOP_K keeps `top_k_share` of each shard.
        """
        check_name("model", model)
        check_version("base_version", base_version)
        whole = await self._known(model, 0.0)
        parts = whole.cut(values)
        request_id = request_id or uuid.uuid4().hex

        async def push(index: int) -> Acknowledgement:
            return await self.shards[index].push(
                model,
                parts[index],
                base_version=_unhashed(base_version),
                kind=kind,
                codec=codec,
                top_k_share=top_k_share,
                request_id=request_id,
                sample_count=sample_count,
                weight=weight,
                round_id=0 if index else round_id,
                fencing_token=0 if index else fencing_token,
                validate_only=validate_only,
                timeout_s=timeout_s,
            )

        await side_by_side(push(index) for index in range(1, len(self.shards)))
        answer = await push(0)
        return replace(answer, version=_unhashed(answer.version))

    async def get_model(self, model: str) -> ModelInfo:
        """Describe a model: its whole schema, and what the first shard says of its rounds."""
        check_name("model", model)
        whole, info = await self._known(model, 0.0), await self.first.get_model(model)
        num_bytes = whole.schema.num_bytes
        return replace(info, schema=whole.schema, num_bytes=num_bytes, version=_unhashed(info.version))

    async def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that the first shard keeps, oldest first."""
        versions = await self.first.list_versions(model)
        return tuple(replace(info, version=_unhashed(info.version)) for info in versions)

    async def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name, at every shard; number 0 is the newest."""
        number = number or (await self.first.get_model(model)).version.number
        versions = await side_by_side(self._tagged(shard, model, tag, number) for shard in reversed(self.shards))
        return _unhashed(versions[-1])

    async def delete_model(self, model: str) -> None:
        """Drop every shard of a model; those that are gone already are passed over."""
        self._models.pop(model, None)
        for shard in self.shards:
            with contextlib.suppress(ModelNotFoundError):
                await shard.delete_model(model)

    async def _tagged(self, shard: ParamsClient, model: str, tag: str, number: int) -> ParameterVersion:
        """Tag a version at one shard, which may have to come as far first."""
        end_s = time.monotonic() + self._options.timeout_s
        while True:
            try:
                return await shard.tag_version(model, tag, number)
            except VersionNotFoundError:
                if shard is self.first or time.monotonic() >= end_s:
                    raise
            await asyncio.sleep(_POLL_S)

    async def _tagged_number(self, model: str, tag: str) -> int:
        tags = {name: info.version.number for info in await self.first.list_versions(model) for name in info.tags}
        if tag not in tags:
            raise VersionNotFoundError.of("tag", tag, sorted(tags))
        return tags[tag]

    async def _known(self, model: str, wait_s: float) -> ShardedModel:
        """Return where a model's shards lie; waits for the last of them to be registered."""
        end_s = time.monotonic() + wait_s
        while model not in self._models:
            try:
                infos = await side_by_side(shard.get_model(model) for shard in self.shards)
                self._models[model] = ShardedModel.of(infos)
            except ModelNotFoundError:
                if time.monotonic() >= end_s:
                    raise
                await asyncio.sleep(_POLL_S)
        return self._models[model]

    async def _newer(self, model: str, than: ParameterVersion | None, end_s: float) -> ParameterVersion | None:
        """Return the first shard's newest version once it is newer; None when there is none in time."""
        newest = (await self.first.get_model(model)).version
        if newest.is_newer_than(than):
            return newest
        try:
            async with (
                asyncio.timeout(max(0.0, end_s - time.monotonic())),
                aclosing(self.first.watch(model, newer_than=than, with_values=False)) as heads,
            ):
                return (await anext(heads)).version
        except TimeoutError:
            return None

    async def _newest(self, model: str, number: int, codec: ParameterCodec) -> ShardedParameters:
        """Return the version of a number, or a newer one when a shard does not keep that any more."""
        end_s = time.monotonic() + self._options.timeout_s
        while True:
            try:
                return await self._at(model, number, codec, None)
            except VersionNotFoundError:
                # A shard that does not follow must not keep its reader for ever.
                newest = (await self.first.get_model(model)).version.number
                if newest == number or time.monotonic() >= end_s:
                    raise
                number = newest

    async def _at(self, model: str, number: int, codec: ParameterCodec, wait_s: float | None) -> ShardedParameters:
        """Return the version of a number; waits `wait_s` for the first shard to make it, the others for the first."""
        lag_s = (wait_s or 0.0) + self._options.timeout_s
        waits = [wait_s, *[lag_s for _ in self.shards[1:]]]
        parts = await side_by_side(
            shard.pull(model, number=number, codec=codec, wait_s=shard_wait_s)
            for shard, shard_wait_s in zip(self.shards, waits, strict=True)
        )
        whole = await self._known(model, 0.0)
        if whole.schema.num_bytes > _INLINE_BYTES:
            return await asyncio.to_thread(whole.joined, parts)
        return whole.joined(parts)

    def _shard(self, index: int) -> Shard | None:
        if len(self.shards) == 1:
            return None
        return Shard(index, len(self.shards), self._first_address if index else "")


def _one_of(addresses: str | Sequence[str]) -> str:
    return addresses if isinstance(addresses, str) else addresses[0]


def _unhashed(version: ParameterVersion) -> ParameterVersion:
    """Return a version without the hashes, which at each shard are those of its own values."""
    return ParameterVersion(version.epoch, version.number)
