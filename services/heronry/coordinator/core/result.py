"""What a run came to: the object in `result.json`, and the points of its curve."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from heronry.coordinator.core.meter import Mark
from heronry.coordinator.core.registry import Service
from heronry.coordinator.core.run import Run
from heronry.spec import DqnSettings, PpoSettings, RunSpec
from heronry.types.run import Evaluation, RunState


@dataclass(frozen=True)
class Usage:
    """What the process of one service took; services may share a process, whose name they have then."""

    instance: str
    resident_bytes: int
    max_resident_bytes: int
    cpu_s: float
    num_starts: int
    process: str = ""

    @classmethod
    def of(cls, service: Service) -> "Usage":
        """Take the figures of a registered service."""
        return cls(
            service.record.instance,
            service.resident_bytes,
            service.max_resident_bytes,
            service.cpu_time_s,
            service.record.num_starts,
            service.process,
        )


def make_result(
    run: Run,
    judged: Evaluation | None,
    usages: Iterable[Usage],
    now_s: float,
    run_dir: str,
    privacy: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Return the result; what was not measured is None, and so is `privacy` without a claim.

    `steps_per_s` and `steps_per_cpu_s` are of the time from the first update to the last step,
    evaluations included.
    """
    usages = list(usages)
    processes = _processes(usages)
    return {
        **_identity(run),
        **_judgement(judged),
        "selection": _selection(run),
        "env_steps": run.env_steps,
        "updates": run.updates,
        "episodes": run.progress.total("episodes"),
        "to_first_step_s": _to_first_step(run),
        "train_s": round(run.train_s(now_s), 3),
        "total_s": round(run.elapsed_s(now_s), 3),
        "submitted_time_s": run.began_s,
        "first_step_time_s": run.progress.first_step_time_s,
        **_rates(run.meter.first_update, run.meter.newest),
        "sample_reuse": sample_reuse(run.spec, run.progress.figures()),
        "resident_bytes": sum(u.resident_bytes for u in processes),
        "max_resident_bytes": sum(u.max_resident_bytes for u in processes),
        "cpu_s": round(sum(u.cpu_s for u in processes), 3),
        "services": {u.instance: _usage(u) for u in usages},
        "run_dir": run_dir,
        "privacy": privacy,
        "spec": run.spec.to_dict(),
    }


def sample_reuse(spec: RunSpec, figures: Mapping[str, float]) -> float | None:
    """Return how often each environment step was used by a gradient, from what was counted."""
    steps, gradient_steps = figures.get("env_steps", 0.0), figures.get("gradient_steps", 0.0)
    algorithm = spec.algorithm
    if isinstance(algorithm, DqnSettings) and steps:
        return round(gradient_steps * algorithm.batch_size / steps, 2)
    if isinstance(algorithm, PpoSettings) and figures.get("updates"):
        learnt = figures["updates"] * algorithm.batch_size * spec.fleet.unroll_length
        return round(gradient_steps * algorithm.minibatch_size / learnt, 2)
    return None


def state_after(ending: RunState, failure: str | None) -> RunState:
    """Return how a finishing run ends: as intended unless its result could not be made."""
    return RunState.FAILED if failure and ending is RunState.FINISHED else ending


def _identity(run: Run) -> dict[str, Any]:
    ending = run.ending
    return {
        "run_id": run.run_id,
        "state": ending.state.value if ending else run.state.value,
        "reason": ending.reason if ending else run.message,
        "env": run.spec.environment.id,
        "algorithm": run.spec.algorithm.name,
        "seed": run.spec.seed,
        "target_return": run.spec.target_return,
        "reached_target": run.plan.has_reached_target,
    }


def _judgement(judged: Evaluation | None) -> dict[str, Any]:
    if judged is None:
        empty = dict.fromkeys(("eval_mean", "eval_sd", "eval_min", "version", "content_hash"))
        return {**empty, "eval_episodes": 0}
    return {
        "eval_mean": judged.mean_return,
        "eval_sd": judged.sd_return,
        "eval_episodes": len(judged.returns),
        "eval_min": min(judged.returns),
        "version": str(judged.version),
        "content_hash": judged.version.content_hash.hex(),
    }


def _selection(run: Run) -> dict[str, Any] | None:
    best = run.plan.best
    if best is None:
        return None
    return {
        "version": str(best.version),
        "episodes": best.num_episodes,
        "mean": best.mean_return,
        "sd": best.sd_return,
        "env_steps": best.env_steps,
    }


def _to_first_step(run: Run) -> float | None:
    first = run.progress.first_step_time_s
    # A restored run took its first step in an earlier stretch.
    return None if first is None or first < run.began_s else round(first - run.began_s, 3)


def _rates(first: Mark | None, last: Mark | None) -> dict[str, float | None]:
    if first is None or last is None or last.time_s <= first.time_s:
        return {"steps_per_s": None, "steps_per_cpu_s": None}
    steps = last.env_steps - first.env_steps
    cpu_s = last.cpu_s - first.cpu_s
    per_cpu_s = steps / cpu_s if cpu_s > 0 and math.isfinite(cpu_s) else None
    return {
        "steps_per_s": round(steps / (last.time_s - first.time_s), 1),
        "steps_per_cpu_s": None if per_cpu_s is None else round(per_cpu_s, 1),
    }


def _processes(usages: Iterable[Usage]) -> list[Usage]:
    """Return one usage for each process, the one that has been measured last."""
    newest: dict[str, Usage] = {}
    for usage in usages:
        key = usage.process or usage.instance
        if key not in newest or usage.cpu_s > newest[key].cpu_s:
            newest[key] = usage
    return list(newest.values())


def _usage(usage: Usage) -> dict[str, float]:
    return {
        "resident_bytes": usage.resident_bytes,
        "max_resident_bytes": usage.max_resident_bytes,
        "cpu_s": round(usage.cpu_s, 3),
        "starts": usage.num_starts,
    }
