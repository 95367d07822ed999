from collections.abc import Callable
from typing import Any

import pytest

from heronry.coordinator.core.evaluation_plan import EvaluationPlan
from heronry.coordinator.core.run import Run
from heronry.spec import RunSpec


@pytest.fixture
def make_run() -> Callable[..., Run]:
    """Make a run that was submitted at 100 s."""

    def make(**sections: Any) -> Run:
        values = {"environment": {"id": "CartPole-v1"}, "target_return": 475, **sections}
        spec = RunSpec.from_dict(values)
        plan = EvaluationPlan(spec.evaluation, spec.target_return, spec.seed)
        return Run("run-1", spec, plan, request_id="request-1", began_s=100.0)

    return make
