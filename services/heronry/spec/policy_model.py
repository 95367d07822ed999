"""How params keeps a run's policy."""

from typing import TYPE_CHECKING

from heronry.types.consistency import Asynchronous
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings
from heronry.types.optimizers import SgdOptimizer

if TYPE_CHECKING:
    from heronry.spec.run_spec import RunSpec


def policy_settings(spec: "RunSpec") -> ModelSettings:
    """Return the model's settings: each push of weights becomes a version, as it is unless privacy is claimed."""
    params = spec.params
    return ModelSettings(
        consistency=Asynchronous(max_staleness=params.max_staleness),
        optimizer=SgdOptimizer(learning_rate=1.0),
        acknowledgement=AcknowledgementLevel(params.acknowledgement),
        num_versions_kept=params.num_versions_kept,
        privacy=None if spec.privacy is None else spec.privacy.value(),
    )
