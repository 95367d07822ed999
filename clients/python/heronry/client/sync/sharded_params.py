"""Blocking client of a model that is cut over several parameter services."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self, overload

from heronry.client.contribution_packing import Values
from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.sharded_parameters import ShardedParameters
from heronry.client.sharded_params import ShardedParamsClient as AsyncShardedParamsClient
from heronry.client.sync.loop import LoopThread
from heronry.client.sync.params import ParamsClient
from heronry.types.contribution import Acknowledgement, ContributionKind, ParameterCodec
from heronry.types.models import ModelInfo, ModelSettings, VersionInfo
from heronry.types.tensors import Roles
from heronry.types.version import ParameterVersion

F32: Final = ParameterCodec.F32


class ShardedParamsClient:
    """Registers, pulls, watches and pushes a sharded model; see the asynchronous client of the same name.

    Connects at the first call; use it as `with`, or call `close` at the end. Thread-safe.
    """

    def __init__(
        self,
        addresses: Sequence[str | Sequence[str]],
        options: ConnectionOptions | None = None,
        *,
        first_address: str | None = None,
        token: str | None = None,
        tls: TlsOptions | None = None,
    ) -> None:
        """Keep where to connect; starts a loop of its own. `token` and `tls` go before those of the options."""
        options = options or ConnectionOptions()
        options = replace(options, token=options.token if token is None else token, tls=tls or options.tls)
        self._client = AsyncShardedParamsClient(addresses, options, first_address=first_address)
        self._loop = LoopThread("client")

    @property
    def first(self) -> ParamsClient:
        """The client of the first shard, on this client's loop."""
        return ParamsClient.of(self._client.first, self._loop)

    @property
    def client_id(self) -> str:
        """Who this client says it is."""
        return self._client.client_id

    def close(self) -> None:
        """Close the connections; calls and streams in flight end."""
        if self._loop.is_closed:
            return
        try:
            self._loop.run(self._client.close())
        finally:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Cut a model and create its shards; return the first one's newest version and whether it is new."""
        return self._loop.run(self._client.register_model(model, tensors, settings, roles, request_id=request_id))

    @overload
    def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        codec: ParameterCodec = F32,
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
        wait_s: float | None = None,
    ) -> ShardedParameters | None:
        """Return one version, the same of every shard; with `newer_than`, None when there is nothing newer."""
        return self._loop.run(
            self._client.pull(model, number=number, tag=tag, newer_than=newer_than, codec=codec, wait_s=wait_s)
        )

    def watch(
        self, model: str, *, newer_than: ParameterVersion | None = None, codec: ParameterCodec = F32
    ) -> Iterator[ShardedParameters]:
        """Yield the newest version and then every newer one; a slow consumer skips versions."""
        return self._loop.iterate(self._client.watch(model, newer_than=newer_than, codec=codec))

    def push(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = F32,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        fencing_token: int = 0,
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> Acknowledgement:
        """Hand in one contribution; it is counted once however often it is sent, or not at all."""
        return self._loop.run(
            self._client.push(
                model,
                values,
                base_version=base_version,
                kind=kind,
                codec=codec,
                request_id=request_id,
                sample_count=sample_count,
                weight=weight,
                round_id=round_id,
                fencing_token=fencing_token,
                validate_only=validate_only,
                timeout_s=timeout_s,
            )
        )

    def get_model(self, model: str) -> ModelInfo:
        """Describe a model: its whole schema, and what the first shard says of its rounds."""
        return self._loop.run(self._client.get_model(model))

    def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that the first shard keeps, oldest first."""
        return self._loop.run(self._client.list_versions(model))

    def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name, at every shard; number 0 is the newest."""
        return self._loop.run(self._client.tag_version(model, tag, number))

    def delete_model(self, model: str) -> None:
        """Drop every shard of a model; those that are gone already are passed over."""
        self._loop.run(self._client.delete_model(model))
