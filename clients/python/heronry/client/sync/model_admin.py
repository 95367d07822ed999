"""Blocking calls that look at models and steer them."""

from collections.abc import Mapping

from heronry.client.params import ParamsClient as AsyncParamsClient
from heronry.client.sync.blocking_client import BlockingClient
from heronry.client.sync.model_calls import ModelCalls
from heronry.types.models import ModelInfo, VersionInfo
from heronry.types.privacy import ClientSpending, PrivacyStatus
from heronry.types.version import ParameterVersion


class ModelAdminClient(ModelCalls[AsyncParamsClient], BlockingClient[AsyncParamsClient]):
    """The small calls of the parameter service; see the asynchronous client of the same name."""

    def get_model(self, model: str) -> ModelInfo:
        """Describe one model."""
        return self._loop.run(self._client.get_model(model))

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models, sorted by name."""
        return self._loop.run(self._client.list_models())

    def delete_model(self, model: str) -> None:
        """Drop a model with its versions, also from what a restart restores."""
        self._loop.run(self._client.delete_model(model))

    def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that can be pulled, oldest first."""
        return self._loop.run(self._client.list_versions(model))

    def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name; number 0 is the newest."""
        return self._loop.run(self._client.tag_version(model, tag, number))

    def rollback_model(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        request_id: str | None = None,
        asks_all_shards: bool = False,
    ) -> ParameterVersion:
        """Publish an earlier version's values again, under a new number, which is returned."""
        return self._loop.run(
            self._client.rollback_model(
                model, number=number, tag=tag, request_id=request_id, asks_all_shards=asks_all_shards
            )
        )

    def export_version(
        self,
        model: str,
        directory: str,
        tag: str | None = None,
        number: int | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> str:
        """Write one version as safetensors + JSON below the service's data directory; return the path."""
        return self._loop.run(self._client.export_version(model, directory, tag, number, metadata))

    def save_checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> str:
        """Write all models to the run's checkpoint directory; return it."""
        return self._loop.run(self._client.save_checkpoint(run_id, request_id=request_id))

    def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State the model's privacy claim and what has been spent."""
        return self._loop.run(self._client.get_privacy_status(model))

    def list_client_spendings(self, model: str) -> tuple[ClientSpending, ...]:
        """Tell what each client has spent, sorted by client id; nobody where all pay together."""
        return self._loop.run(self._client.list_client_spendings(model))
