"""Blocking client of a model that is cut over several parameter services."""

from collections.abc import Iterator, Mapping
from typing import overload

from heronry.client.contributor import F32
from heronry.client.parameters import Parameters
from heronry.client.sharded_parameters import ShardedParameters
from heronry.client.sync.sharded_admin import ShardedAdminClient
from heronry.types.contribution import ParameterCodec
from heronry.types.models import ModelSettings
from heronry.types.tensors import Groups, Roles
from heronry.types.version import ParameterVersion


class ShardedParamsClient(ShardedAdminClient):
    """Registers, pulls, watches and pushes a sharded model; see the asynchronous client of the same name."""

    def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        groups: Groups | None = None,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Cut a model and create its shards; return the first one's newest version and whether it is new."""
        return self._loop.run(
            self._client.register_model(model, tensors, settings, roles, groups=groups, request_id=request_id)
        )

    @overload
    def pull(
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
    def pull(
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

    def pull(
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
        """Return one version, the same of every shard; with `newer_than`, None when there is nothing newer."""
        return self._loop.run(
            self._client.pull(
                model, number=number, tag=tag, newer_than=newer_than, codec=codec, base=base, wait_s=wait_s
            )
        )

    def watch(
        self,
        model: str,
        *,
        newer_than: ParameterVersion | None = None,
        with_values: bool = True,
        codec: ParameterCodec = F32,
    ) -> Iterator[Parameters]:
        """Yield the newest version and then every newer one; a slow consumer skips versions."""
        return self._loop.iterate(
            self._client.watch(model, newer_than=newer_than, with_values=with_values, codec=codec)
        )
