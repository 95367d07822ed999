"""Blocking calls that look at models in several shards and steer them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import NoReturn, Self

from heronry.client.contribution_packing import Values
from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.sharded_params import ShardedParamsClient as AsyncShardedParamsClient
from heronry.client.sync.loop import LoopThread
from heronry.client.sync.params import ParamsClient
from heronry.types.consistency import Consistency
from heronry.types.contribution import Invitation
from heronry.types.models import ContributionLimits, ModelInfo, VersionInfo, WorkerInfo
from heronry.types.optimizers import ServerOptimizer
from heronry.types.privacy import ClientSpending, PrivacyStatus
from heronry.types.run import Lease
from heronry.types.version import ParameterVersion


class ShardedAdminClient:
    """The small calls for models in several shards; see the asynchronous client of the same name.

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

    def get_model(self, model: str) -> ModelInfo:
        """Describe a model: its whole schema, and what the first shard says of its rounds."""
        return self._loop.run(self._client.get_model(model))

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models that lie in these services, sorted by name."""
        return self._loop.run(self._client.list_models())

    def update_model(
        self,
        model: str,
        *,
        consistency: Consistency | None = None,
        limits: ContributionLimits | None = None,
        optimizer: ServerOptimizer | None = None,
        group_optimizers: Mapping[str, ServerOptimizer] | None = None,
        num_versions_kept: int = 0,
    ) -> ModelInfo:
        """Change figures of a live model and describe it; what is None, or 0, stays."""
        return self._loop.run(
            self._client.update_model(
                model,
                consistency=consistency,
                limits=limits,
                optimizer=optimizer,
                group_optimizers=group_optimizers,
                num_versions_kept=num_versions_kept,
            )
        )

    def delete_model(self, model: str) -> None:
        """Drop every shard of a model; those that are gone already are passed over."""
        self._loop.run(self._client.delete_model(model))

    def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that the first shard keeps, oldest first."""
        return self._loop.run(self._client.list_versions(model))

    def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name, at every shard; number 0 is the newest."""
        return self._loop.run(self._client.tag_version(model, tag, number))

    def rollback_model(
        self, model: str, *, number: int | None = None, tag: str | None = None, request_id: str | None = None
    ) -> ParameterVersion:
        """Publish an earlier version's values again, under a new number, which is returned."""
        return self._loop.run(self._client.rollback_model(model, number=number, tag=tag, request_id=request_id))

    def export_version(
        self,
        model: str,
        directory: str,
        tag: str | None = None,
        number: int | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> NoReturn:
        """Refuse: each service would write its own range, below its own data directory."""
        self._loop.run(self._client.export_version(model, directory, tag, number, metadata))

    def save_checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> tuple[str, ...]:
        """Have every service write a checkpoint of all its models; return their directories."""
        return self._loop.run(self._client.save_checkpoint(run_id, request_id=request_id))

    def register_worker(self, model: str, incarnation: int = 0) -> Lease:
        """Ask for a worker's lease on a model; a later incarnation of the same client fences the one before."""
        return self._loop.run(self._client.register_worker(model, incarnation))

    def heartbeat(self, model: str, fencing_token: int) -> Lease:
        """Renew a worker's lease."""
        return self._loop.run(self._client.heartbeat(model, fencing_token))

    def unregister_worker(self, model: str, fencing_token: int) -> None:
        """Give a worker's lease back; what it contributed stays counted."""
        self._loop.run(self._client.unregister_worker(model, fencing_token))

    def list_workers(self, model: str) -> tuple[WorkerInfo, ...]:
        """Describe the workers of a model, sorted by client id."""
        return self._loop.run(self._client.list_workers(model))

    def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State that no claim is made: shards cannot have one."""
        return self._loop.run(self._client.get_privacy_status(model))

    def list_client_spendings(self, model: str) -> tuple[ClientSpending, ...]:
        """Return nothing: a model without a claim spends nothing."""
        return self._loop.run(self._client.list_client_spendings(model))

    def join_rounds(self, model: str, fencing_token: int = 0) -> Iterator[Invitation]:
        """Yield an invitation for every round this client is drawn for; with other modes than rounds, for each."""
        return self._loop.iterate(self._client.join_rounds(model, fencing_token))

    def join_round(self, model: str, fencing_token: int = 0, timeout_s: float | None = None) -> Invitation:
        """Return the next round this client is drawn for, or the open one it was drawn for before."""
        return self._loop.run(self._client.join_round(model, fencing_token, timeout_s))

    def sum_securely(self, model: str, values: Values, **order: object) -> NoReturn:
        """Refuse: a claim bounds the norm of a whole contribution, which no shard sees."""
        self._loop.run(self._client.sum_securely(model, values, **order))
