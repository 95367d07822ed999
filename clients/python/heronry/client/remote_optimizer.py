"""An optimiser whose step is taken by the parameter service."""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar, overload

import numpy as np

from heronry.client.arguments import (
    check_codec,
    check_count,
    check_kind,
    check_name,
    check_seconds,
    check_share,
    check_weight,
)
from heronry.client.contributor import TOP_K_SHARE
from heronry.client.error_feedback import ErrorFeedback, check_feedback
from heronry.client.local_contribution import check_tensors, contribution_of
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.local_protection import check_local_privacy
from heronry.client.local_values import local_values
from heronry.client.parameters import Parameters
from heronry.client.worker import Worker, WorkerClient
from heronry.types.contribution import Acknowledgement, ContributionKind, ParameterCodec
from heronry.types.errors import ForeignEpochError, InvalidArgumentError, StaleContributionError
from heronry.types.models import ModelSettings
from heronry.types.tensors import Array, Groups, MergeRule, Roles, TensorRole
from heronry.types.version import ParameterVersion

LossT = TypeVar("LossT")


class TrainingClient(WorkerClient, Protocol):
    """What an optimiser is made of: the client of a whole model, or of one in shards."""

    async def register_model(
        self,
        model: str,
        tensors: Mapping[str, object],
        settings: ModelSettings | None = None,
        roles: Roles | None = None,
        *,
        groups: Groups | None = None,
    ) -> tuple[ParameterVersion, bool]: ...

    @overload
    async def pull(self, model: str, *, codec: ParameterCodec = ...) -> Parameters: ...

    @overload
    async def pull(
        self,
        model: str,
        *,
        newer_than: ParameterVersion | None,
        codec: ParameterCodec = ...,
        wait_s: float | None = ...,
    ) -> Parameters | None: ...


class RemoteOptimizer:
    """Pushes what the caller's parameters have learnt, pulls the newest version and copies it into them.

    With GRADIENT, `step` hands in the gradients. With DELTA or WEIGHTS, a local optimiser moves the parameters
    between the steps; every `local_steps`-th one hands in how far they have moved since the last version, or where
    they are (DiLoCo, Douillard et al. 2023, Algorithm 1). A contribution that came too late is counted in
    `num_refused`, and the newest version taken. Lossy codecs keep an error feedback. With a `local_privacy` what is
    handed in is clipped and noised before it leaves. For one task at a time.
    """

    def __init__(
        self,
        params: TrainingClient,
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
        """Take what is trained: a torch module, its named parameters, or a mapping of names to arrays or tensors.

        After a contribution a step waits up to `wait_s` for the next version: while its round is open, or while the
        worker is too far ahead. A `worker` shows its lease with every contribution.
        """
        check_name("model", model)
        check_kind("kind", kind)
        check_codec("codec", codec)
        check_codec("pull_codec", pull_codec)
        check_count("local_steps", local_steps)
        check_share("top_k_share", top_k_share)
        check_feedback("feedback", feedback)
        check_local_privacy(local_privacy, kind)
        check_count("sample_count", sample_count, 0)
        check_weight("weight", weight)
        check_seconds("wait_s", wait_s)
        if kind is ContributionKind.GRADIENT and local_steps != 1:
            raise InvalidArgumentError.of("local_steps", local_steps, "1 with GRADIENT; more with DELTA or WEIGHTS")
        is_lossy = codec is not ParameterCodec.F32 and kind is not ContributionKind.WEIGHTS
        self.model = model
        self.feedback = ErrorFeedback() if feedback is None and is_lossy else feedback
        self.local_privacy = local_privacy
        self.num_refused = 0
        self.last_acknowledgement: Acknowledgement | None = None
        self._params = params
        self._local = local_values(parameters)
        self._kind = kind
        self._local_steps = local_steps
        self._codec = codec
        self._top_k_share = top_k_share
        self._pull_codec = pull_codec
        self._wait_s = wait_s
        self._sample_count = sample_count
        self._weight = weight
        self._worker = worker
        self._num_steps = 0
        self._pulled: Parameters | None = None

    @property
    def version(self) -> ParameterVersion | None:
        """The version that the parameters were copied from last; None before."""
        return None if self._pulled is None else self._pulled.version

    async def register(self, settings: ModelSettings | None = None, *, groups: Groups | None = None) -> bool:
        """Create the model with the parameters' values, unless it is there, and pull; return whether it is new.

        Buffers of a module are merged by taking the last ones. For `groups` see `ParamsClient.register_model`.
        """
        roles = dict.fromkeys(self._local.buffers(), (TensorRole.BUFFER, MergeRule.LAST))
        _, created = await self._params.register_model(self.model, self._local.values(), settings, roles, groups=groups)
        await self.pull()
        return created

    async def pull(self) -> ParameterVersion:
        """Copy the newest version into the parameters and return it.

        Raises:
          SchemaMismatchError: the model has other tensors.
        """
        self._take(await self._params.pull(self.model, codec=self._pull_codec))
        return self._pulled_version()

    async def step(
        self,
        closure: Callable[[], LossT] | None = None,
        *,
        gradients: Mapping[str, object] | None = None,
        round_id: int = 0,
    ) -> LossT | None:
        """Call `closure` for the loss, if given, then push, pull and copy; return the loss.

        `gradients` are those of NumPy arrays, which keep none themselves; `round_id` is the round that a worker was
        invited to, 0 whichever is open. Without a version pulled before, the
        first step only pulls, unless the parameters are those of the newest version already.
        """
        loss = None if closure is None else closure()
        self._num_steps += 1
        if self._num_steps % self._local_steps:
            return loss
        if self._pulled is None and not await self._is_at_newest():
            self.num_refused += 1
            return loss
        await self._exchange(gradients, round_id)
        return loss

    async def _exchange(self, gradients: Mapping[str, object] | None, round_id: int) -> None:
        version = self._pulled_version()
        self.last_acknowledgement = None
        try:
            self.last_acknowledgement = await self._push(self._contribution(gradients), version, round_id)
        except (StaleContributionError, ForeignEpochError):
            self.num_refused += 1
        self._take(await self._newest_after(version))

    async def _push(self, values: Mapping[str, Array], version: ParameterVersion, round_id: int) -> Acknowledgement:
        return await self._params.push(
            self.model,
            values,
            base_version=version,
            kind=self._kind,
            codec=self._codec,
            top_k_share=self._top_k_share,
            feedback=self.feedback,
            local_privacy=self.local_privacy,
            sample_count=self._sample_count,
            weight=self._weight,
            round_id=round_id,
            fencing_token=0 if self._worker is None else self._worker.fencing_token,
        )

    async def _newest_after(self, version: ParameterVersion) -> Parameters | None:
        # What was counted is followed by a version, for which StaleSynchronous lets a worker wait that is ahead.
        wait_s = None if self.last_acknowledgement is None else self._wait_s
        return await self._params.pull(self.model, newer_than=version, codec=self._pull_codec, wait_s=wait_s)

    async def _is_at_newest(self) -> bool:
        newest = await self._params.pull(self.model, codec=self._pull_codec)
        own = self._local.values()
        check_tensors(own, newest.schema)
        is_equal = all(np.array_equal(own[name], newest[name]) for name in newest)
        self._take(newest)
        return is_equal

    def _contribution(self, gradients: Mapping[str, object] | None) -> dict[str, Array]:
        pulled = self._pulled_parameters()
        if self._kind is not ContributionKind.GRADIENT:
            return contribution_of(self._kind, self._local.values(), None, pulled)
        learnt = {tensor.name for tensor in pulled.schema.with_role(TensorRole.PARAMETER)}
        others = self._local.values(pulled.keys() - learnt)
        return contribution_of(self._kind, others, self._local.gradients(gradients, learnt), pulled)

    def _take(self, parameters: Parameters | None) -> None:
        if parameters is None:
            return
        # Once a schema: the values may lie on another device.
        if self._pulled is None or parameters.schema != self._pulled.schema:
            check_tensors(self._local.values(), parameters.schema)
        self._pulled = parameters
        self._local.assign(parameters)

    def _pulled_parameters(self) -> Parameters:
        if self._pulled is None:
            raise AssertionError("a version was pulled")
        return self._pulled

    def _pulled_version(self) -> ParameterVersion:
        return self._pulled_parameters().version
