"""All of a model that outlives its process."""

from collections.abc import Mapping
from dataclasses import dataclass

from heronry.params.core.model import Model
from heronry.params.core.optimizers import OptimizerState
from heronry.params.core.rounds import RequestKey, Round
from heronry.params.core.versions import Published
from heronry.types.contribution import Acknowledgement
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema


@dataclass(frozen=True)
class ModelSnapshot:
    """A model at one moment, sharing its arrays: taking one costs no copy.

    Attributes:
      versions: the newest one and the tagged ones, oldest first.
      tags: numbers by tag.
      requests: what was counted, oldest first.
    """

    name: str
    schema: ModelSchema
    settings: ModelSettings
    versions: tuple[Published, ...]
    tags: Mapping[str, int]
    optimizer_state: OptimizerState
    round: Round
    requests: tuple[tuple[RequestKey, Acknowledgement], ...]

    @classmethod
    def of(cls, model: Model) -> "ModelSnapshot":
        """Take a model's state as it is now."""
        versions = {p.version.number: p for p in (*model.history.tagged(), model.history.newest)}
        return cls(
            name=model.name,
            schema=model.schema,
            settings=model.settings,
            versions=tuple(versions[number] for number in sorted(versions)),
            tags=model.history.tags,
            optimizer_state=model.optimizer_state,
            round=model.round,
            requests=tuple(model.requests.entries()),
        )

    def to_model(self, lease_s: float) -> Model:
        """Make the model again, in the epoch it was in; leases are not part of it."""
        model = Model(self.name, self.schema, self.settings, lease_s, self.versions[-1].version.epoch)
        *tagged, newest = self.versions
        model.history.publish(newest)
        for published in tagged:
            model.history.keep(published)
        for tag, number in self.tags.items():
            model.history.restore_tag(tag, number)
        model.optimizer_state = self.optimizer_state
        model.round = self.round
        for (client_id, request_id), answer in self.requests:
            model.requests.remember(client_id, request_id, answer)
        return model
