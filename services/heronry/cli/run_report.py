"""What a finished or interrupted run tells at the end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from heronry.cli.process_age import process_start_time_s
from heronry.cli.run_claim import print_spent
from heronry.cli.run_plan import RunPlan
from heronry.types.run import RunStatus


@dataclass(frozen=True)
class Outcome:
    """How a training session ended."""

    status: RunStatus
    services: tuple[Mapping[str, object], ...]
    was_interrupted: bool


def result_fields(
    plan: RunPlan, status: RunStatus, services: Sequence[Mapping[str, object]], *, total_s: float
) -> dict[str, object]:
    """Return the result's fields with the times that only the command knows.

    `to_first_step_s` and `total_s` count from the start of this process.
    """
    run_dir = _run_dir(plan, status)
    fields = dict(_result(run_dir) or status.result)
    fields["to_first_step_s"] = _since_start(fields.get("first_step_time_s"))
    fields["total_s"] = round(total_s, 3)
    fields["run_dir"] = str(run_dir)
    fields["state"] = status.state.value
    fields.setdefault("services", list(services))
    return fields


def print_outcome(console: Console, plan: RunPlan, fields: Mapping[str, object]) -> None:
    """Show the judgement and where everything lies."""
    if fields.get("eval_mean") is not None:
        target = plan.spec.target_return
        goal = "" if target is None else f" (target {target:g})"
        console.print(
            f"judged on {fields['eval_episodes']} fresh episodes: "
            f"mean return {_number(fields['eval_mean'])} ± {_number(fields['eval_sd'])}{goal}"
        )
        console.print(
            f"after {fields['env_steps']:,} environment steps and {fields['updates']:,} updates; the command took\n"
            f"{_number(fields['total_s'])} s, {_number(fields['to_first_step_s'])} s to the first step"
        )
    print_spent(console, fields)
    for name, path in _places(Path(str(fields["run_dir"]))):
        console.print(f"{name:<11} {path}", markup=False)


def print_resume_hint(console: Console, plan: RunPlan) -> None:
    """Say how to go on after an interruption."""
    console.print("stopped; a checkpoint was kept. Go on with:")
    console.print(f"  heronry train --resume {_shortest(plan.run_dir)}", markup=False)


def _run_dir(plan: RunPlan, status: RunStatus) -> Path:
    """Return the run's folder; a mesh that somebody else has started keeps its runs where it likes."""
    return Path(status.run_dir).resolve() if status.run_dir else plan.run_dir


def _result(run_dir: Path) -> dict[str, object] | None:
    try:
        fields = json.loads((run_dir / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return fields if isinstance(fields, dict) else None


def _since_start(moment: object) -> float | None:
    """Return the seconds from the command to `moment`; None where a former command's run had its first step."""
    if not isinstance(moment, int | float):
        return None
    seconds = float(moment) - process_start_time_s()
    return round(seconds, 3) if seconds > 0 else None


def _places(run_dir: Path) -> list[tuple[str, str]]:
    candidates = {
        "curve": run_dir / "curve.png",
        "policy": run_dir / "policy" / "policy.safetensors",
        "checkpoint": run_dir / "checkpoints",
        "result": run_dir / "result.json",
        "logs": run_dir / "logs",
    }
    return [(name, _shortest(path)) for name, path in candidates.items() if path.exists()]


def _shortest(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _number(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "-"
