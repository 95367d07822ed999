"""A run's states and the moves between them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.coordinator.core.evaluation_plan import EvaluationPlan
from heronry.coordinator.core.run import TRANSITIONS, Ending, Run
from heronry.spec import EvaluationSettings, RunSpec
from heronry.types.errors import FailedPreconditionError
from heronry.types.run import RunState, ServiceRole
from heronry.types.version import ParameterVersion

JUDGED = Ending(RunState.FINISHED, is_judged=True, reason="target reached")
MakeRun = Callable[..., Run]


@pytest.mark.parametrize("start", list(RunState))
@pytest.mark.parametrize("end", list(RunState))
def test_only_declared_moves_are_made_and_others_change_nothing(
    make_run: MakeRun, start: RunState, end: RunState
) -> None:
    run = make_run()
    run.state = start

    if end in TRANSITIONS[start]:
        run.move_to(end, 101.0)
        assert run.state is end
    else:
        with pytest.raises(FailedPreconditionError, match=start.value):
            run.move_to(end, 101.0)
        assert run.state is start


def test_every_state_can_reach_an_end_and_every_end_can_be_restored() -> None:
    for state in RunState:
        reachable, frontier = {state}, [state]
        while frontier:
            news = TRANSITIONS[frontier.pop()] - reachable
            reachable |= news
            frontier += news
        assert any(s.has_ended for s in reachable)
        assert RunState.PENDING in reachable


def test_training_time_is_what_was_spent_running(make_run: MakeRun) -> None:
    run = make_run()
    for state, at_s in (
        (RunState.RUNNING, 103.0),
        (RunState.PAUSED, 110.0),
        (RunState.RUNNING, 150.0),
        (RunState.FINISHING, 155.0),
        (RunState.FINISHED, 160.0),
    ):
        run.move_to(state, at_s)

    assert run.train_s(999.0) == 7.0 + 5.0
    assert run.elapsed_s(999.0) == 60.0
    assert run.started_s == 103.0


def test_a_run_waits_for_the_roles_it_needs(make_run: MakeRun) -> None:
    alive = frozenset({ServiceRole.PARAMS, ServiceRole.REPLAY, ServiceRole.FLEET})

    assert make_run().missing_roles(alive) == (ServiceRole.LEARNER,)
    assert make_run(algorithm={"name": "external"}).missing_roles(alive) == ()


def test_services_that_register_after_the_start_restore(make_run: MakeRun) -> None:
    run = make_run()
    assert not run.must_restore(registered_s=101.0)

    run.move_to(RunState.RUNNING, 105.0)

    assert not run.must_restore(registered_s=101.0)
    assert run.must_restore(registered_s=106.0)


def test_a_second_stop_can_only_shorten_the_end(make_run: MakeRun) -> None:
    unjudged = Ending(RunState.STOPPED, is_judged=False, reason="stopped")
    run = make_run()

    assert run.end_by(JUDGED, 101.0)
    assert not run.end_by(JUDGED, 102.0)
    assert run.end_by(unjudged, 103.0)
    assert not run.end_by(JUDGED, 104.0)

    assert run.ending == unjudged
    assert run.state is RunState.FINISHING


def test_updates_of_an_external_learner_are_the_versions_it_published(make_run: MakeRun) -> None:
    run = make_run(algorithm={"name": "external"})
    assert run.updates == 0

    run.version = ParameterVersion(1, 7)

    assert run.updates == 6


def test_a_lockstep_run_uses_its_steps_by_updates_that_are_saved(make_run: MakeRun) -> None:
    # 8 unrolls of 32 steps an update: 10 updates.
    run = make_run(lockstep=True, max_env_steps=2560)

    run.progress.report("fleet-0", 1, {"env_steps": 5000.0}, None)
    run.progress.report("learner-0", 1, {"updates": 10.0, "barrier_updates": 8.0}, None)
    assert not run.has_used_its_steps

    run.progress.report("learner-0", 1, {"updates": 10.0, "barrier_updates": 10.0}, None)
    assert run.has_used_its_steps


@given(st.lists(st.sampled_from(list(RunState)), max_size=30))
def test_time_never_runs_backwards_whatever_is_tried(wanted: list[RunState]) -> None:
    spec = RunSpec.from_dict({"environment": {"id": "CartPole-v1"}})
    run = Run("run", spec, EvaluationPlan(EvaluationSettings(), None, 0), began_s=100.0)
    trained = [0.0]
    for step, state in enumerate(wanted):
        now_s = 101.0 + step
        if state in TRANSITIONS[run.state]:
            run.move_to(state, now_s)
        trained.append(run.train_s(now_s))

    assert trained == sorted(trained)
    assert trained[-1] <= len(wanted)
