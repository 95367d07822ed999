"""What is told of a run that does not get on."""

from collections.abc import Callable

import pytest

from heronry.coordinator.core.run import Run
from heronry.coordinator.core.standstill import Standstill
from heronry.types.run import RunState
from heronry.types.version import ParameterVersion

EXTERNAL = {"algorithm": {"name": "external"}, "network": {"hidden": [8]}}
YOURS = "waits for a learner, which is your program with algorithm external, to"


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    made = make_run(**EXTERNAL)
    made.move_to(RunState.RUNNING, 101.0)
    return made


def test_a_model_that_nobody_registers_is_told_after_a_while(run: Run) -> None:
    standstill = Standstill(patience_s=5.0)

    told = [standstill.look(run, now_s) for now_s in (10.0, 14.9, 15.0)]

    assert told == ["", "", f"{YOURS} register model 'policy'"]


def test_a_learner_of_ours_is_waited_for_too(make_run: Callable[..., Run]) -> None:
    run, standstill = make_run(algorithm={"name": "ppo"}), Standstill(patience_s=5.0)
    run.move_to(RunState.RUNNING, 101.0)

    told = [standstill.look(run, now_s) for now_s in (10.0, 15.0)]

    assert told == ["", "waits for the learner to register model 'policy'"]


def test_a_run_that_gets_on_waits_for_nobody(run: Run) -> None:
    standstill = Standstill(patience_s=5.0)
    for second in range(20):
        run.progress.report("fleet-0", 1, {"env_steps": 64.0 * second}, None)

        assert standstill.look(run, float(second)) == ""


def test_a_full_table_that_nobody_reads_is_told(run: Run) -> None:
    standstill = Standstill(patience_s=5.0)
    run.version = ParameterVersion(1, 1)
    run.progress.report("replay-0", 1, {"insert_waiting_s": 3.0}, None)

    told = [standstill.look(run, now_s) for now_s in (10.0, 15.0)]

    assert told == ["", f"{YOURS} take batches from table 'experience'"]


def test_an_environment_that_takes_its_time_is_not_taken_for_a_missing_learner(run: Run) -> None:
    standstill = Standstill(patience_s=5.0)
    run.version = ParameterVersion(1, 1)

    assert [standstill.look(run, now_s) for now_s in (10.0, 15.0)] == ["", ""]


def test_a_paused_run_is_told_nothing_and_has_its_time_again_when_it_goes_on(run: Run) -> None:
    standstill = Standstill(patience_s=5.0)
    standstill.look(run, 10.0)
    run.move_to(RunState.PAUSED, 102.0)
    assert standstill.look(run, 60.0) == ""

    run.move_to(RunState.RUNNING, 160.0)

    assert [standstill.look(run, now_s) for now_s in (61.0, 65.9)] == ["", ""]
    assert standstill.look(run, 66.0)
