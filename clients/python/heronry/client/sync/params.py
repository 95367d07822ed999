"""Blocking client of the parameter service."""

from collections.abc import Iterator, Mapping
from typing import overload

from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient as AsyncParamsClient
from heronry.client.params import Roles
from heronry.client.sync.blocking_client import BlockingClient
from heronry.types.contribution import Acknowledgement, ContributionKind
from heronry.types.models import ModelInfo, ModelSettings, PrivacyStatus, VersionInfo, WorkerInfo
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import Buffer


class ParamsClient(BlockingClient[AsyncParamsClient]):
    """Registers, pulls, watches and pushes models; see the asynchronous client of the same name."""

    _asynchronous = AsyncParamsClient

    def register_model(
        self,
        model: str,
        tensors: Mapping[str, Array],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        request_id: str | None = None,
    ) -> tuple[ParameterVersion, bool]:
        """Create a model with its first values; return its newest version and whether it is new."""
        return self._loop.run(self._client.register_model(model, tensors, settings, roles, request_id=request_id))

    @overload
    def pull(
        self, model: str, *, number: int | None = None, tag: str | None = None, wait_s: float | None = None
    ) -> Parameters: ...

    @overload
    def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None,
        wait_s: float | None = None,
    ) -> Parameters | None: ...

    def pull(
        self,
        model: str,
        *,
        number: int | None = None,
        tag: str | None = None,
        newer_than: ParameterVersion | None = None,
        wait_s: float | None = None,
    ) -> Parameters | None:
        """Return one version; with `newer_than`, None when there is nothing newer."""
        return self._loop.run(self._client.pull(model, number=number, tag=tag, newer_than=newer_than, wait_s=wait_s))

    def watch(
        self, model: str, *, newer_than: ParameterVersion | None = None, with_values: bool = True
    ) -> Iterator[Parameters]:
        """Yield the newest version and then every newer one; a slow consumer skips versions."""
        return self._loop.iterate(self._client.watch(model, newer_than=newer_than, with_values=with_values))

    def push(
        self,
        model: str,
        values: Mapping[str, Array] | Buffer,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        timeout_s: float | None = None,
    ) -> Acknowledgement:
        """Hand in one contribution; it is counted once however often it is sent."""
        return self._loop.run(
            self._client.push(
                model,
                values,
                base_version=base_version,
                kind=kind,
                request_id=request_id,
                sample_count=sample_count,
                weight=weight,
                round_id=round_id,
                timeout_s=timeout_s,
            )
        )

    def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        """Keep a version under a name; number 0 is the newest."""
        return self._loop.run(self._client.tag_version(model, tag, number))

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

    def get_model(self, model: str) -> ModelInfo:
        """Describe one model."""
        return self._loop.run(self._client.get_model(model))

    def list_models(self) -> tuple[ModelInfo, ...]:
        """Describe all models, sorted by name."""
        return self._loop.run(self._client.list_models())

    def list_versions(self, model: str) -> tuple[VersionInfo, ...]:
        """Name the versions that can be pulled, oldest first."""
        return self._loop.run(self._client.list_versions(model))

    def list_workers(self, model: str) -> tuple[WorkerInfo, ...]:
        """Describe the workers of a model, sorted by client id."""
        return self._loop.run(self._client.list_workers(model))

    def get_privacy_status(self, model: str) -> PrivacyStatus:
        """State the model's privacy claim and what has been spent."""
        return self._loop.run(self._client.get_privacy_status(model))
