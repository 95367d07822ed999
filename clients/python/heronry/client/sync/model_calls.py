"""Blocking calls that are the same whether a model lies in one service or in several."""

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from heronry.client.contribution_packing import Values
from heronry.client.contributor import F32, TOP_K_SHARE
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.params import ParamsClient
from heronry.client.sharded_params import ShardedParamsClient
from heronry.client.sync.loop import LoopThread
from heronry.client.sync.worker import Worker
from heronry.types.consistency import Consistency
from heronry.types.contribution import Acknowledgement, ContributionKind, Invitation, ParameterCodec
from heronry.types.models import ContributionLimits, ModelInfo, WorkerInfo
from heronry.types.optimizers import ServerOptimizer
from heronry.types.run import Lease
from heronry.types.version import ParameterVersion

ModelClientT = TypeVar("ModelClientT", bound=ParamsClient | ShardedParamsClient)


class ModelCalls(Generic[ModelClientT]):
    """Pushes to models, takes part in their rounds and changes their figures; see the asynchronous clients."""

    _client: ModelClientT
    _loop: LoopThread

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
        """Hand in one contribution; it is counted once however often it is sent, in all shards or none."""
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
        """Return a worker of a model, for `with`: it holds a lease, of shards the first one's, and shows its token."""
        return Worker(self._client.worker(model, incarnation), self._loop)

    def join_rounds(self, model: str, fencing_token: int = 0) -> Iterator[Invitation]:
        """Yield an invitation for every round this client is drawn for; with other modes than rounds, for each."""
        return self._loop.iterate(self._client.join_rounds(model, fencing_token))

    def join_round(self, model: str, fencing_token: int = 0, timeout_s: float | None = None) -> Invitation:
        """Return the next round this client is drawn for, or the open one it was drawn for before."""
        return self._loop.run(self._client.join_round(model, fencing_token, timeout_s))
