"""Blocking client of a model that is cut over several parameter services."""

from collections.abc import Iterator, Mapping
from typing import overload

from heronry.client.contribution_packing import Values
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.parameters import Parameters
from heronry.client.params import F32, TOP_K_SHARE
from heronry.client.sharded_parameters import ShardedParameters
from heronry.client.sync.sharded_admin import ShardedAdminClient
from heronry.client.sync.worker import Worker
from heronry.types.contribution import Acknowledgement, ContributionKind, ParameterCodec
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

    def push(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = F32,
        top_k_share: float = TOP_K_SHARE,
        feedback: ErrorFeedback | None = None,
        local_privacy: LocalPrivacy | None = None,
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
                top_k_share=top_k_share,
                feedback=feedback,
                local_privacy=local_privacy,
                request_id=request_id,
                sample_count=sample_count,
                weight=weight,
                round_id=round_id,
                fencing_token=fencing_token,
                validate_only=validate_only,
                timeout_s=timeout_s,
            )
        )

    def validate(
        self,
        model: str,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = F32,
        weight: float = 1.0,
        sample_count: int = 0,
        fencing_token: int = 0,
        timeout_s: float | None = None,
    ) -> None:
        """Have a contribution checked as `push` does, and counted nowhere; raises what a push would."""
        self._loop.run(
            self._client.validate(
                model,
                values,
                base_version=base_version,
                kind=kind,
                codec=codec,
                weight=weight,
                sample_count=sample_count,
                fencing_token=fencing_token,
                timeout_s=timeout_s,
            )
        )

    def worker(self, model: str, incarnation: int | None = None) -> Worker:
        """Return a worker of a model, to be used as `with`: its lease is the first shard's."""
        return Worker(self._client.worker(model, incarnation), self._loop)
