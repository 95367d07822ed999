"""The course of `heronry train`: plan, start, submit, watch, end, tell."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from heronry.cli.failures import INTERRUPTED_EXIT_CODE, RunFailedError, is_user_failure
from heronry.cli.output import console_for, print_json
from heronry.cli.process_age import process_age_s
from heronry.cli.run_claim import print_claim
from heronry.cli.run_folder import run_folder
from heronry.cli.run_mesh import RunMesh, mesh_for
from heronry.cli.run_plan import RunPlan, plan_new_run, plan_resumed_run
from heronry.cli.run_report import Outcome, print_outcome, print_resume_hint, result_fields
from heronry.types.errors import ConfigurationError
from heronry.types.run import RunState


@dataclass(frozen=True)
class TrainRequest:
    """What the user typed."""

    spec: str
    algorithm: str | None
    launcher: str
    seed: int | None
    assignments: tuple[str, ...]
    run_dir: Path | None
    resume: Path | None
    num_fleets: int
    address: str
    is_json: bool
    is_debug: bool


def run_training(request: TrainRequest) -> int:
    """Train as requested; returns the exit code."""
    console = console_for(is_json=request.is_json)
    plan = _plan(request)
    print_claim(console, plan.spec)
    with contextlib.nullcontext() if request.address else run_folder(plan.run_dir):
        mesh = mesh_for(
            plan,
            launcher=request.launcher,
            address=request.address,
            num_fleets=request.num_fleets,
            is_debug=request.is_debug,
        )
        outcome = _run_on(mesh, plan, console)
    if outcome.was_interrupted:
        print_resume_hint(console, plan)
        return INTERRUPTED_EXIT_CODE
    return _tell(request, plan, outcome, console)


def _plan(request: TrainRequest) -> RunPlan:
    if request.resume is None:
        return plan_new_run(
            request.spec,
            algorithm=request.algorithm,
            assignments=request.assignments,
            seed=request.seed,
            run_dir=request.run_dir,
        )
    excluded = {
        "SPEC": request.spec,
        "--algorithm": request.algorithm,
        "--seed": request.seed,
        "--run-dir": request.run_dir,
    }
    for name, value in excluded.items():
        if value not in ("", None):
            raise ConfigurationError.of(name, str(value), "nothing beside --resume: the run's own spec holds it")
    return plan_resumed_run(request.resume, assignments=request.assignments)


def _run_on(mesh: RunMesh, plan: RunPlan, console: Console) -> Outcome:
    try:
        mesh.start()
        # The children load their modules while this process loads its own.
        from heronry.cli.training_session import TrainingSession
        from heronry.spec import check_environment, check_network

        check_environment(plan.spec.environment)
        check_network(plan.spec)
        session = TrainingSession(plan, mesh, console)
        # Whatever is left of an interrupted session is cancelled and waited for before the loop is gone.
        with asyncio.Runner() as runner:
            return runner.run(session.run())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        mesh.stop()


def _tell(request: TrainRequest, plan: RunPlan, outcome: Outcome, console: Console) -> int:
    status = outcome.status
    if status.state is RunState.FAILED:
        raise RunFailedError(f"the run failed: {status.message}", is_user_error=is_user_failure(status.message))
    fields = result_fields(plan, status, outcome.services, total_s=process_age_s())
    print_outcome(console, plan, fields)
    if request.is_json:
        print_json(fields)
    return 0
