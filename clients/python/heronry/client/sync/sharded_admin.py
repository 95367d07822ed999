"""Blocking calls that look at models in several shards and steer them."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from heronry.client.contribution_packing import Values
from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.sharded_params import ShardedParamsClient as AsyncShardedParamsClient
from heronry.client.sync.blocking_client import BlockingClient, with_credentials
from heronry.client.sync.model_calls import ModelCalls
from heronry.client.sync.params import ParamsClient
from heronry.types.models import ModelInfo, VersionInfo
from heronry.types.privacy import ClientSpending, PrivacyStatus
from heronry.types.version import ParameterVersion


class ShardedAdminClient(ModelCalls[AsyncShardedParamsClient], BlockingClient[AsyncShardedParamsClient]):
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
        options = with_credentials(options, token, tls)
        self._begin(AsyncShardedParamsClient(addresses, options, first_address=first_address))

    @property
    def first(self) -> ParamsClient:
        """The client of the first shard, on this client's loop."""
        return ParamsClient.of(self._client.first, self._loop)

    def get_model(self, model: str) -> ModelInfo:
        """Describe a model: its whole schema, and what the first shard says of its rounds."""
        return self._loop.run(self._client.get_model(model))

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models that lie in these services, sorted by name."""
        return self._loop.run(self._client.list_models())

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

    def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State that no claim is made: shards cannot have one."""
        return self._loop.run(self._client.get_privacy_status(model))

    def list_client_spendings(self, model: str) -> tuple[ClientSpending, ...]:
        """Return nothing: a model without a claim spends nothing."""
        return self._loop.run(self._client.list_client_spendings(model))

    def sum_securely(self, model: str, values: Values, **order: object) -> NoReturn:
        """Refuse: a claim bounds the norm of a whole contribution, which no shard sees."""
        self._loop.run(self._client.sum_securely(model, values, **order))
