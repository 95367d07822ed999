"""All of a model that a checkpoint holds: what the rounds that have closed left."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.params.core.model import Model
from heronry.params.core.optimizers.state import OptimizerState
from heronry.params.core.private.state import PrivateState
from heronry.params.core.requests import RequestKey
from heronry.params.core.resources import ModelResources
from heronry.params.core.rounds import Place
from heronry.params.core.versions import Published
from heronry.types.contribution import Acknowledgement, ClosedRound
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema

Requests = tuple[tuple[RequestKey, Acknowledgement], ...]


@dataclass(frozen=True)
class OpenRound:
    """The open round, without its contributions, which the journals hold.

    Attributes:
      began: where the record of its first contribution lies; None when none was written.
      sum_size: contributions that it was opened for.
      num_contributions: written to the journals.
      num_bytes: of the values that are counted or wait, about; not part of a checkpoint.
    """

    round_id: int
    sum_size: int
    began: Place | None = None
    num_contributions: int = 0
    num_bytes: int = 0


@dataclass(frozen=True)
class ModelSnapshot:
    """A model at one moment, sharing its arrays: taking one costs no copy.

    Attributes:
      versions: the newest one, the tagged ones and bases that are waited with, oldest first.
      tags: numbers by tag.
      requests: what was counted in rounds that have closed, oldest first.
      rollbacks: requests of rollbacks.
      closed_rounds: what the last versions were made of; of shards only.
      oldest_base: contributions computed before this version are refused.
      privacy: where a private model's mechanism stands.
    """

    name: str
    schema: ModelSchema
    settings: ModelSettings
    versions: tuple[Published, ...]
    tags: Mapping[str, int]
    optimizer_state: OptimizerState
    round: OpenRound
    requests: Requests
    rollbacks: Requests = ()
    closed_rounds: tuple[ClosedRound, ...] = ()
    oldest_base: int = 0
    privacy: PrivateState | None = None

    @classmethod
    def of(cls, model: Model) -> "ModelSnapshot":
        """Take a model's state as it is now.

        What was counted in the open round is left to the journals, the memory of its requests too. At level MEMORY
        nothing was written: both are lost with the process, so that a repeat is counted anew. Where cohorts are secret
        no request is kept: who was drawn for which round would be read from it, and a late repeat is refused anyway.
        """
        # Weights that wait for their round are compared with the version they were computed at.
        bases = model.history.held(model.waiting.base_numbers)
        versions = {p.version.number: p for p in (*model.history.tagged(), *bases, model.history.newest)}
        return cls(
            name=model.name,
            schema=model.schema,
            settings=model.settings,
            versions=tuple(versions[number] for number in sorted(versions)),
            tags=model.history.tags,
            optimizer_state=model.optimizer_state,
            round=_round_of(model),
            requests=_requests_of(model),
            rollbacks=tuple(model.rollbacks.entries()),
            closed_rounds=tuple(model.closed_rounds),
            oldest_base=model.oldest_base,
            privacy=None if model.privacy is None else model.privacy.state,
        )

    def to_model(self, resources: ModelResources) -> Model:
        """Make the model again, in the epoch it was in, its open round empty; leases are not part of it."""
        model = Model(self.name, self.schema, self.settings, self.versions[-1].version.epoch, resources)
        *tagged, newest = self.versions
        model.history.publish(newest)
        for published in tagged:
            model.history.keep(published)
        model.history.restore_tags(self.tags)
        model.optimizer_state = self.optimizer_state
        model.oldest_base = self.oldest_base
        if model.privacy is not None and self.privacy is not None:
            model.privacy.restore(self.privacy)
        model.closed_rounds.extend(self.closed_rounds)
        for (client_id, request_id), answer in self.requests:
            model.requests.remember(client_id, request_id, answer)
        for (client_id, request_id), answer in self.rollbacks:
            model.rollbacks.remember(client_id, request_id, answer)
        model.resume(self.round.round_id, self.round.sum_size)
        return model


def _round_of(model: Model) -> OpenRound:
    opened = model.round
    if opened.began is None or _keeps_cohort(model):
        # A restart drops a round with a secret cohort: how many were in it is of no use, and tells of the cohort.
        return OpenRound(opened.round_id, model.sum_size)
    num_bytes = (opened.num_contributions + len(model.waiting)) * model.num_bytes
    return OpenRound(opened.round_id, model.sum_size, opened.began, opened.num_contributions, num_bytes)


def _requests_of(model: Model) -> Requests:
    if _keeps_cohort(model):
        return ()
    return tuple(r for r in model.requests.entries() if r[1].round_id != model.round.round_id)


def _keeps_cohort(model: Model) -> bool:
    return model.privacy is not None and model.privacy.keeps_cohort
