"""What a change will do to a model; nothing has happened yet."""

from dataclasses import dataclass

from heronry.params.core.aggregation.accumulator import Prepared
from heronry.params.core.buffers import MergedBuffers
from heronry.params.core.layout import Vector
from heronry.params.core.optimizers.state import OptimizerState
from heronry.params.core.private.state import PrivateState
from heronry.params.core.rounds import Entry
from heronry.params.core.versions import Published
from heronry.types.contribution import Acknowledgement, ClosedRound
from heronry.types.version import ParameterVersion


@dataclass(frozen=True)
class Closing:
    """The end of a round: the version it makes, the optimiser's state after it and what it was made of."""

    published: Published
    optimizer_state: OptimizerState
    closed_round: ClosedRound


@dataclass(frozen=True)
class Plan:
    """One contribution, counted in the open round, which it may complete."""

    entry: Entry
    prepared: Prepared
    buffers: MergedBuffers
    acknowledgement: Acknowledgement
    closing: Closing | None


@dataclass(frozen=True)
class PrivateRelease:
    """The end of a private round: the noised mean, the version it makes and where the mechanism stands then."""

    mean: Vector
    closing: Closing
    state: PrivateState


@dataclass(frozen=True)
class Rollback:
    """An earlier version's values under a new number."""

    published: Published
    restored: ParameterVersion
    request_id: str
    optimizer_state: OptimizerState
    acknowledgement: Acknowledgement
    closed_round: ClosedRound
