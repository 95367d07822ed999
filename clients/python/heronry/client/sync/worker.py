"""Blocking worker of a model."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from heronry.client.contribution_packing import Values
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.sync.loop import LoopThread
from heronry.client.worker import Worker as AsyncWorker
from heronry.types.contribution import Acknowledgement, ContributionKind, Invitation, ParameterCodec
from heronry.types.run import Lease
from heronry.types.version import ParameterVersion


class Worker:
    """Holds a worker's lease from entering to leaving; see the asynchronous worker. Use as `with`."""

    def __init__(self, worker: AsyncWorker, loop: LoopThread) -> None:
        self.model = worker.model
        self.incarnation = worker.incarnation
        self._worker = worker
        self._loop = loop

    @property
    def lease(self) -> Lease:
        """The lease as it was granted or renewed last."""
        return self._worker.lease

    @property
    def fencing_token(self) -> int:
        """What is shown with every contribution."""
        return self._worker.fencing_token

    def push(
        self,
        values: Values,
        *,
        base_version: ParameterVersion,
        kind: ContributionKind = ContributionKind.GRADIENT,
        codec: ParameterCodec = ParameterCodec.F32,
        top_k_share: float = 0.01,
        feedback: ErrorFeedback | None = None,
        local_privacy: LocalPrivacy | None = None,
        request_id: str | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        round_id: int = 0,
        validate_only: bool = False,
        timeout_s: float | None = None,
    ) -> Acknowledgement:
        """Hand in one contribution with the lease's token."""
        return self._loop.run(
            self._worker.push(
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
                validate_only=validate_only,
                timeout_s=timeout_s,
            )
        )

    def rounds(self) -> Iterator[Invitation]:
        """Yield an invitation for every round the worker is drawn for."""
        return self._loop.iterate(self._worker.rounds())

    def join_round(self, timeout_s: float | None = None) -> Invitation:
        """Return the next round the worker is drawn for, or the open one it was drawn for before."""
        return self._loop.run(self._worker.join_round(timeout_s))

    def __enter__(self) -> Self:
        self._loop.run(self._worker.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run(self._worker.__aexit__(kind, error, trace))
