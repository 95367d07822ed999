"""Blocking client of the parameter service."""

from collections.abc import Iterator, Mapping
from typing import overload

from heronry.client.contribution_packing import Values
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.parameters import Parameters
from heronry.client.params import F32, TOP_K_SHARE
from heronry.client.params import ParamsClient as AsyncParamsClient
from heronry.client.sync.secure_sums import SecureSumsClient
from heronry.client.sync.worker import Worker
from heronry.types.contribution import Acknowledgement, ContributionKind, Invitation, ParameterCodec
from heronry.types.models import ModelSettings
from heronry.types.tensors import Groups, Roles
from heronry.types.version import ParameterVersion


class ParamsClient(SecureSumsClient):
    """Registers, pulls, watches and pushes models; see the asynchronous client of the same name."""

    _asynchronous = AsyncParamsClient

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
        """Create a model with its first values; return its newest version and whether it is new."""
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
    ) -> Parameters: ...

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
    ) -> Parameters | None: ...

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
    ) -> Parameters | None:
        """Return one version; with `newer_than`, None when there is nothing newer."""
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
        """Hand in one contribution; it is counted once however often it is sent."""
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
        """Return a worker of a model, to be used as `with`: it holds a lease and pushes with its token."""
        return Worker(self._client.worker(model, incarnation), self._loop)

    def join_rounds(self, model: str, fencing_token: int = 0) -> Iterator[Invitation]:
        """Yield an invitation for every round this client is drawn for; with other modes than rounds, for each."""
        return self._loop.iterate(self._client.join_rounds(model, fencing_token))

    def join_round(self, model: str, fencing_token: int = 0, timeout_s: float | None = None) -> Invitation:
        """Return the next round this client is drawn for, or the open one it was drawn for before."""
        return self._loop.run(self._client.join_round(model, fencing_token, timeout_s))
