"""The result of a run."""

from collections.abc import Callable

import pytest

from heronry.coordinator.core.meter import Mark
from heronry.coordinator.core.result import Usage, make_result, sample_reuse, state_after
from heronry.coordinator.core.run import Ending, Run
from heronry.types.run import Evaluation, RunState
from heronry.types.version import ParameterVersion

MakeRun = Callable[..., Run]
REQUIRED = {
    *("env", "algorithm", "seed", "eval_mean", "eval_sd", "eval_episodes", "env_steps", "updates"),
    *("to_first_step_s", "train_s", "total_s", "run_dir", "services"),
}


def finished(run: Run) -> Run:
    run.move_to(RunState.RUNNING, 102.0)
    run.progress.report("fleet-0", 1, {"env_steps": 10_240.0}, 101.0)
    run.progress.report("learner-0", 1, {"updates": 40.0, "gradient_steps": 800.0}, None)
    run.end_by(Ending(RunState.FINISHED, is_judged=True, reason="target reached"), 105.0)
    return run


def test_the_result_holds_what_was_asked_for(make_run: MakeRun) -> None:
    run = finished(make_run(seed=3))
    judged = Evaluation(ParameterVersion(1, 40, b"\xab" * 32), (480.0, 500.0), (480, 500))
    usages = [Usage("fleet-0", 10, 20, 1.5, 2), Usage("params-0", 30, 40, 0.5, 1)]

    run.meter.first_update, run.meter.newest = Mark(2.5, 256, 1.0), Mark(6.5, 10_240, 3.0)

    result = make_result(run, judged, usages, 106.5, "runs/run-1")

    assert set(result) >= REQUIRED
    assert (result["eval_mean"], result["eval_sd"], result["eval_episodes"]) == (490.0, 10.0, 2)
    assert (result["to_first_step_s"], result["train_s"], result["total_s"]) == (1.0, 3.0, 6.5)
    assert (result["steps_per_s"], result["steps_per_cpu_s"]) == (9984 / 4, 9984 / 2)
    assert result["services"]["fleet-0"] == {
        "resident_bytes": 10,
        "max_resident_bytes": 20,
        "cpu_s": 1.5,
        "starts": 2,
    }
    assert (result["resident_bytes"], result["cpu_s"], result["version"]) == (40, 2.0, "1.40")
    assert result["content_hash"] == "ab" * 32
    assert (result["state"], result["reason"], result["seed"]) == ("finished", "target reached", 3)


def test_what_was_not_measured_is_none(make_run: MakeRun) -> None:
    result = make_result(make_run(), None, [], 101.0, "runs/run-1")

    unknown = ("eval_mean", "steps_per_s", "to_first_step_s", "selection", "sample_reuse", "privacy")
    assert {result[name] for name in unknown} == {None}


def test_each_sample_of_ppo_is_used_as_often_as_its_epochs(make_run: MakeRun) -> None:
    algorithm = {"name": "ppo", "batch_size": 8, "minibatch_size": 64, "epochs": 20}
    run = make_run(algorithm=algorithm, fleet={"unroll_length": 32})
    # 256 steps an update in 4 minibatches, 20 times over.
    figures = {"updates": 10.0, "gradient_steps": 10 * 20 * 4.0, "env_steps": 2560.0}

    assert sample_reuse(run.spec, figures) == 20.0


def test_each_sample_of_dqn_is_used_as_often_as_it_was_drawn(make_run: MakeRun) -> None:
    run = make_run(algorithm={"name": "dqn", "batch_size": 64})

    assert sample_reuse(run.spec, {"env_steps": 1000.0, "gradient_steps": 500.0}) == 32.0


@pytest.mark.parametrize(
    ("ending", "failure", "state"),
    [
        (RunState.FINISHED, None, RunState.FINISHED),
        (RunState.FINISHED, "not judged", RunState.FAILED),
        (RunState.STOPPED, "not judged", RunState.STOPPED),
    ],
)
def test_a_finish_without_a_judgement_is_a_failure(ending: RunState, failure: str | None, state: RunState) -> None:
    assert state_after(ending, failure) is state


def test_services_that_share_a_process_are_counted_once(make_run: MakeRun) -> None:
    usages = [
        Usage("coordinator-0", 100, 110, 4.0, 1, "host:7:1"),
        Usage("params-0", 90, 105, 3.5, 1, "host:7:1"),
        Usage("fleet-0", 10, 20, 1.5, 1, "host:8:1"),
        Usage("fleet-1", 10, 20, 1.5, 1),
    ]

    result = make_result(make_run(), None, usages, 101.0, "runs/run-1")

    assert (result["resident_bytes"], result["max_resident_bytes"], result["cpu_s"]) == (120, 150, 7.0)
    assert sorted(result["services"]) == ["coordinator-0", "fleet-0", "fleet-1", "params-0"]


def test_a_claim_of_privacy_is_told_as_params_told_it(make_run: MakeRun) -> None:
    result = make_result(make_run(), None, [], 101.0, "runs/run-1", {"epsilon_spent": 2.5})

    assert result["privacy"] == {"epsilon_spent": 2.5}
