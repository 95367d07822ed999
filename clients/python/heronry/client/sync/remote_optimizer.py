"""Blocking optimiser whose step is taken by the parameter service."""

from collections.abc import Callable, Mapping

from heronry.client.contributor import TOP_K_SHARE
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.remote_optimizer import LossT
from heronry.client.remote_optimizer import RemoteOptimizer as AsyncRemoteOptimizer
from heronry.client.sync.params import ParamsClient
from heronry.client.sync.sharded_params import ShardedParamsClient
from heronry.client.sync.worker import Worker
from heronry.types.contribution import Acknowledgement, ContributionKind, ParameterCodec
from heronry.types.models import ModelSettings
from heronry.types.tensors import Groups
from heronry.types.version import ParameterVersion


class RemoteOptimizer:
    """Pushes what the caller's parameters have learnt and pulls the newest version; see the asynchronous one.

    The closure runs in the caller's thread.
    """

    def __init__(
        self,
        params: ParamsClient | ShardedParamsClient,
        model: str,
        parameters: object,
        *,
        kind: ContributionKind = ContributionKind.GRADIENT,
        local_steps: int = 1,
        codec: ParameterCodec = ParameterCodec.F32,
        top_k_share: float = TOP_K_SHARE,
        pull_codec: ParameterCodec = ParameterCodec.F32,
        feedback: ErrorFeedback | None = None,
        local_privacy: LocalPrivacy | None = None,
        sample_count: int = 0,
        weight: float = 1.0,
        wait_s: float | None = None,
        worker: Worker | None = None,
    ) -> None:
        """Take what is trained: a torch module, its named parameters, or a mapping of names to arrays or tensors."""
        self.model = model
        self._loop = params._loop  # noqa: SLF001 # both are run there
        self._optimizer = AsyncRemoteOptimizer(
            params._client,  # noqa: SLF001 # its twin
            model,
            parameters,
            kind=kind,
            local_steps=local_steps,
            codec=codec,
            top_k_share=top_k_share,
            pull_codec=pull_codec,
            feedback=feedback,
            local_privacy=local_privacy,
            sample_count=sample_count,
            weight=weight,
            wait_s=wait_s,
            worker=None if worker is None else worker._worker,  # noqa: SLF001 # its twin
        )
        self.feedback = self._optimizer.feedback
        self.local_privacy = local_privacy

    @property
    def version(self) -> ParameterVersion | None:
        """The version that the parameters were copied from last; None before."""
        return self._optimizer.version

    @property
    def num_refused(self) -> int:
        """Contributions that came too late."""
        return self._optimizer.num_refused

    @property
    def last_acknowledgement(self) -> Acknowledgement | None:
        """The answer to the last contribution; None when it was refused."""
        return self._optimizer.last_acknowledgement

    def register(self, settings: ModelSettings | None = None, *, groups: Groups | None = None) -> bool:
        """Create the model with the parameters' values, unless it is there, and pull; return whether it is new."""
        return self._loop.run(self._optimizer.register(settings, groups=groups))

    def pull(self) -> ParameterVersion:
        """Copy the newest version into the parameters and return it."""
        return self._loop.run(self._optimizer.pull())

    def step(
        self,
        closure: Callable[[], LossT] | None = None,
        *,
        gradients: Mapping[str, object] | None = None,
        round_id: int = 0,
    ) -> LossT | None:
        """Call `closure` for the loss, if given, then push, pull and copy; return the loss."""
        loss = None if closure is None else closure()
        self._loop.run(self._optimizer.step(gradients=gradients, round_id=round_id))
        return loss
