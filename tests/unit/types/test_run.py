import math

import pytest

from heronry.types.run import Assignment, Endpoint, Evaluation, RunState, ServiceRole
from heronry.types.version import ParameterVersion


@pytest.mark.parametrize(
    ("state", "has_ended"),
    [
        (RunState.PENDING, False),
        (RunState.RUNNING, False),
        (RunState.PAUSED, False),
        (RunState.FINISHING, False),
        (RunState.FINISHED, True),
        (RunState.STOPPED, True),
        (RunState.FAILED, True),
    ],
)
def test_a_run_has_ended_when_only_restoring_it_moves_it(state: RunState, has_ended: bool) -> None:
    assert state.has_ended is has_ended


def test_an_assignment_finds_the_services_of_a_role_in_their_order() -> None:
    fleets = (Endpoint(ServiceRole.FLEET, "fleet-0", ("a:1",)), Endpoint(ServiceRole.FLEET, "fleet-1", ("b:1",)))
    params = Endpoint(ServiceRole.PARAMS, "params-0", ("c:1",))

    assignment = Assignment(endpoints=(fleets[0], params, fleets[1]))

    assert assignment.of_role(ServiceRole.FLEET) == fleets
    assert assignment.of_role(ServiceRole.LEARNER) == ()


def test_an_evaluation_tells_mean_and_deviation_of_its_returns() -> None:
    evaluation = Evaluation(ParameterVersion(1, 2), returns=(1.0, 2.0, 6.0), lengths=(1, 2, 6))

    assert evaluation.mean_return == pytest.approx(3.0)
    assert evaluation.sd_return == pytest.approx(math.sqrt((4 + 1 + 9) / 3))
