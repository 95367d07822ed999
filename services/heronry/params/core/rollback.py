"""Going back to an earlier version's values."""

from heronry.params.core.model import Model
from heronry.params.core.plans import Rollback
from heronry.params.core.versions import Published
from heronry.types.contribution import Acknowledgement, ClosedRound
from heronry.types.version import ParameterVersion


def plan_rollback(model: Model, selected: Published, request_id: str, time_s: float) -> Rollback:
    """Work out the version that has the values of `selected`, under a new number; changes nothing."""
    newest = model.history.newest.version
    version = ParameterVersion(newest.epoch, newest.number + 1, selected.version.content_hash, newest.content_hash)
    answer = Acknowledgement(
        level=model.settings.acknowledgement,
        counted=True,
        round_id=model.round.round_id,
        closed_round=False,
        version=version,
        staleness=0,
    )
    return Rollback(
        published=Published(version, selected.flat, time_s),
        restored=selected.version,
        request_id=request_id,
        optimizer_state=model.optimizer.initial_state(model.layout.vector(selected.flat)),
        acknowledgement=answer,
        closed_round=ClosedRound(model.round.round_id, version, (), time_s, request_id, model.settings),
    )
