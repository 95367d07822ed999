"""Client of a model that is cut over several parameter services."""

import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import overload

from heronry.client.arguments import (
    check_name,
    check_optional_name,
    check_seconds,
    check_selection,
    check_version,
)
from heronry.client.contribution_order import ContributionOrder
from heronry.client.contribution_outcome import told
from heronry.client.contribution_packing import Values, packed_parts
from heronry.client.contributor import F32, Contributor
from heronry.client.downloads import check_download
from heronry.client.local_protection import protected
from heronry.client.model_shards import unhashed
from heronry.client.parameter_vector import Bytes
from heronry.client.parameters import Parameters
from heronry.client.sharded_admin import ShardedAdminClient
from heronry.client.sharded_parameters import ShardedModel, ShardedParameters
from heronry.client.sharded_reads import ShardedReads
from heronry.client.side_by_side import side_by_side
from heronry.client.tensor_arrays import named_arrays
from heronry.types.contribution import Acknowledgement, ContributionHeader, ParameterCodec
from heronry.types.errors import AlreadyExistsError
from heronry.types.field_checks import check_type
from heronry.types.models import ModelSettings, Shard, check_groups
from heronry.types.tensors import Groups, ModelSchema, Roles
from heronry.types.version import ParameterVersion


class ShardedParamsClient(ShardedAdminClient, Contributor):
    """Registers, pulls, watches and pushes a model that lies in several services; task-safe within its event loop.

    Shard i of the model is at `addresses[i]`. The rounds are those of the first: contributions reach the others
    before it, and it alone says which of them count. Used like a `ParamsClient`.
    """

    async def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        groups: Groups | None = None,
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
        check_optional_name("request_id", request_id)
        arrays = named_arrays("tensors", tensors)
        whole = ShardedModel(ModelSchema.of(arrays, roles, groups), len(self.shards))
        parts = whole.cut(arrays, "tensors")
        settings = ModelSettings() if settings is None else settings
        check_type("settings", settings, ModelSettings)
        check_groups(whole.schema, settings.group_optimizers)
        request_id = request_id or uuid.uuid4().hex

        async def register(index: int) -> tuple[ParameterVersion, bool]:
            tensors = whole.ranges[index].schema.tensors
            made = self.shards[index].register_model(
                model,
                parts[index],
                replace(settings, shard=self._shard(index)),
                {t.name: (t.role, t.merge_rule) for t in tensors},
                groups={t.name: t.group for t in tensors},
                request_id=request_id,
            )
            version, is_new = await made
            if index and not is_new and version.number == 1 and not whole.holds(version, index, parts[index]):
                message = f"model {model!r}: shard {index} was registered before, with other values; delete it first"
                raise AlreadyExistsError(message, details={"field": "model", "value": model, "shard": str(index)})
            return version, is_new

        version, is_new = await register(0)
        if is_new or whole.holds(version, 0, parts[0]):
            await side_by_side(register(index) for index in range(1, len(self.shards)))
        await self._shards.known(model, self._shards.options.timeout_s)
        return unhashed(version), is_new

    @overload
    async def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        codec: ParameterCodec = F32,
        base: Parameters | None = None,
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
        base: Parameters | None = None,
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
        base: Parameters | None = None,
        wait_s: float | None = None,
    ) -> ShardedParameters | None:
        """Return one version, the same of every shard: the newest that the first one has, or that of a number or tag.

        With `newer_than`, None when there is nothing newer. Waits up to `wait_s` for the model, the version or a
        newer one to exist, and while the worker is too far ahead (StaleSynchronous); and always for the other shards
        to come as far as the first one. `codec` and `base` are those of `ParamsClient.pull`.

        Raises:
          ModelNotFoundError, VersionNotFoundError: there is none, or a shard does not come as far.
          DataLossError: the first shard was restored to an earlier state, and has made other versions since.
          FailedPreconditionError: the worker is too far ahead of the slowest, and `wait_s` is not given.
        """
        check_name("model", model)
        check_selection(number, tag)
        check_seconds("wait_s", wait_s)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        check_download(codec, base)
        (await self._shards.known(model, wait_s or 0.0)).bases(base)
        reads = ShardedReads(self._shards, model, codec, base)
        if tag is not None:
            number = await reads.number_of(tag)
        if number is None:
            return await reads.newer(newer_than, wait_s)
        parameters = await reads.at(number, wait_s)
        return parameters if parameters.version.is_newer_than(newer_than) else None

    async def watch(
        self,
        model: str,
        *,
        newer_than: ParameterVersion | None = None,
        with_values: bool = True,
        codec: ParameterCodec = F32,
    ) -> AsyncGenerator[Parameters, None]:
        """Yield the newest version and then every newer one; a slow consumer skips versions.

        Without values the versions come alone.
        """
        check_name("model", model)
        if newer_than is not None:
            check_version("newer_than", newer_than)
        check_download(codec, None)
        reads = ShardedReads(self._shards, model, codec)
        async with aclosing(reads.watch(newer_than, with_values=with_values)) as versions:
            async for parameters in versions:
                yield parameters

    async def _contribute(self, model: str, values: Values, order: ContributionOrder) -> Acknowledgement:
        packing, whole = order.packing, await self._shards.known(model)
        if order.local_privacy is not None:
            values = await protected(order.local_privacy, values, lambda: _schema_of(whole))
        parts = await packed_parts(packing, whole.layouts, whole.pieces(values))
        # Parts may wait at the later shards when the first refuses: a repetition must have their very bytes.
        answer = await told(order, self._hand_in(order, model, parts), is_repeatable=True)
        return replace(answer, version=unhashed(answer.version))

    async def _hand_in(self, order: ContributionOrder, model: str, parts: list[list[Bytes]]) -> Acknowledgement:
        header = replace(order.header(model, self.client_id), base_version=unhashed(order.base_version))
        # Leases and rounds are the first shard's affair.
        other = replace(header, round_id=0, fencing_token=0)

        async def push(index: int, header: ContributionHeader) -> Acknowledgement:
            return await self.shards[index].push_packed(header, parts[index], order.timeout_s)

        await side_by_side(push(index, other) for index in range(1, len(self.shards)))
        return await push(0, header)

    def _shard(self, index: int) -> Shard | None:
        if len(self.shards) == 1:
            return None
        return Shard(index, len(self.shards), self._first_address if index else "")


async def _schema_of(whole: ShardedModel) -> ModelSchema:
    return whole.schema
