"""Handing in contributions, whether a model lies in one service or in several."""

from abc import abstractmethod
from typing import Final

from heronry.client.arguments import check_count, check_name
from heronry.client.contribution_order import ContributionOrder
from heronry.client.contribution_packing import Values
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.local_privacy import LocalPrivacy
from heronry.client.worker import Worker, WorkerClient
from heronry.types.contribution import Acknowledgement, ContributionKind, ParameterCodec
from heronry.types.version import ParameterVersion

F32: Final = ParameterCodec.F32
TOP_K_SHARE: Final = 0.01


class Contributor(WorkerClient):
    """Pushes to models, or has what would be pushed checked; leases and rounds are the affair of those who inherit."""

    async def push(
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
        """Hand in one contribution: named arrays or tensors, or the flat buffer in the schema's order.

        It is counted once however often it is sent: trying again after a lost answer is safe.

        The other tensors come as new values with every kind, as increments where counts are merged.

        `codec` is how PARAMETER tensors travel; TOP_K keeps `top_k_share` of the coordinates. `feedback` adds what
        was lost of earlier contributions and keeps what this one loses. `local_privacy` clips and noises gradients and
        deltas first, and charges for it, each time that it is asked. A worker shows its `fencing_token`. With
        `validate_only` everything is checked and nothing counted.

        Of a model in shards, the parts go to all shards but the first side by side, then to the first. It is not
        counted at all unless every shard has taken its part: a refusal by any of them is raised, and the first is
        then not asked. TOP_K keeps `top_k_share` of each shard; `local_privacy` clips and noises the whole before it
        is cut.

        Raises:
          StaleContributionError, ForeignEpochError: the base version is too old, or of another epoch.
          FencedError: the lease has run out, or has gone to a later incarnation.
          InvalidContributionError: NaN or infinity, or bytes that do not fit the model.
          SchemaMismatchError: a tensor that is no array, or names and shapes that are not the model's.
        """
        check_name("model", model)
        order = ContributionOrder(
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
        return await self._contribute(model, values, order)

    async def validate(
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
        """Have a contribution checked as `push` does, by every shard, and counted nowhere; raises what a push would."""
        await self.push(
            model,
            values,
            base_version=base_version,
            kind=kind,
            codec=codec,
            weight=weight,
            sample_count=sample_count,
            fencing_token=fencing_token,
            validate_only=True,
            timeout_s=timeout_s,
        )

    def worker(self, model: str, incarnation: int | None = None) -> Worker:
        """Return a worker of a model, to be used as `async with`: it holds a lease and pushes with its token.

        `incarnation` rises with every start of the worker; None: the time of the start. Of a model in shards, the
        lease is the first one's.
        """
        check_name("model", model)
        if incarnation is not None:
            check_count("incarnation", incarnation, 0)
        return Worker(self, model, incarnation)

    @abstractmethod
    async def _contribute(self, model: str, values: Values, order: ContributionOrder) -> Acknowledgement:
        """Pack the values as ordered, and hand them in."""
