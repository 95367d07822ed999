"""What of a run survives the coordinator: records in order, folded into where the run stands."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from heronry.coordinator.core.evaluation_plan import EvaluationPlan
from heronry.coordinator.core.meter import Meter
from heronry.coordinator.core.progress import Progress
from heronry.coordinator.core.run import Ending, Run
from heronry.coordinator.core.starts import Starts
from heronry.spec import RunSpec
from heronry.types.errors import DataLossError
from heronry.types.run import RunState

Record = Mapping[str, Any]


def encode(record: Record) -> bytes:
    """Return the record as one line."""
    return json.dumps(record, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def decode(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return the whole records and how many bytes they take; a torn last line is left out.

    A line is written by one call, so that only the last one can be torn.

    Raises:
      DataLossError: a line before the last one cannot be read.
    """
    records: list[dict[str, Any]] = []
    end = 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        record = _parsed(line)
        if record is None:
            if number == len(lines) - 1 and not lines[-1]:
                break
            raise DataLossError(f"journal line {number} cannot be read", details={"line": str(number)})
        records.append(record)
        end += len(line) + 1
    return records, end


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def submitted(run: Run) -> Record:
    """Record that a stretch of the run begins."""
    return {
        "kind": "submitted",
        "run_id": run.run_id,
        "spec": run.spec.to_dict(),
        "request_id": run.request_id,
        "began_s": run.began_s,
        "elapsed_before_s": run.elapsed_before_s,
        "train_before_s": run.train_before_s,
        "is_restored": run.is_restored,
        "starts": run.starts.state(),
    }


def started(run: Run) -> Record:
    """Record how often each service has begun the run."""
    return {"kind": "started", "starts": run.starts.state()}


def moved(run: Run) -> Record:
    """Record the state the run has entered."""
    ending = run.ending and {
        "state": run.ending.state.value,
        "is_judged": run.ending.is_judged,
        "reason": run.ending.reason,
    }
    return {
        "kind": "state",
        "state": run.state.value,
        "message": run.message,
        "running_since_s": run.running_since_s,
        "started_s": run.started_s,
        "ended_s": run.ended_s,
        "train_before_s": run.train_before_s,
        "ending": ending,
        "result": run.result,
    }


def counted(run: Run) -> Record:
    """Record what has been counted and evaluated so far."""
    return {
        "kind": "counted",
        "progress": run.progress.state(),
        "plan": run.plan.state(),
        "checkpoint_time_s": run.checkpoint_time_s,
    }


@dataclass
class _Fold:
    submitted: dict[str, Any] = field(default_factory=dict)
    started: dict[str, Any] = field(default_factory=dict)
    moved: dict[str, Any] = field(default_factory=dict)
    counted: dict[str, Any] = field(default_factory=dict)


def run_from(records: Iterable[Record]) -> Run | None:
    """Return the run as its records left it; None when there is none."""
    fold = _Fold()
    for record in records:
        kind = record.get("kind")
        if kind == "submitted":
            fold.submitted, fold.started, fold.moved = dict(record), dict(record), {}
        elif kind == "started":
            fold.started = dict(record)
        elif kind == "state":
            fold.moved = dict(record)
        elif kind == "counted":
            fold.counted = dict(record)
    return _unfold(fold) if fold.submitted else None


def _unfold(fold: _Fold) -> Run:
    began, state, counts = fold.submitted, fold.moved, fold.counted
    spec = RunSpec.from_dict(began["spec"])
    ending = state.get("ending")
    progress = Progress(counts.get("progress"))
    return Run(
        run_id=began["run_id"],
        spec=spec,
        plan=EvaluationPlan(spec.evaluation, spec.target_return, spec.seed, counts.get("plan")),
        state=RunState(state.get("state", RunState.PENDING.value)),
        request_id=began["request_id"],
        began_s=began["began_s"],
        elapsed_before_s=began["elapsed_before_s"],
        train_before_s=state.get("train_before_s", began["train_before_s"]),
        running_since_s=state.get("running_since_s"),
        started_s=state.get("started_s"),
        ended_s=state.get("ended_s"),
        is_restored=began["is_restored"],
        message=state.get("message", ""),
        progress=progress,
        meter=Meter(progress.total("updates"), progress.total("env_steps")),
        starts=Starts(fold.started["starts"], shared=spec.lockstep),
        checkpoint_time_s=counts.get("checkpoint_time_s"),
        ending=Ending(RunState(ending["state"]), ending["is_judged"], ending["reason"]) if ending else None,
        result=state.get("result", {}),
    )


def next_stretch(run: Run, spec: RunSpec, request_id: str, now_s: float) -> Run:
    """Return the run as it goes on from its checkpoints under a spec; what was counted is kept."""
    plan_state = {**run.plan.state(), "has_reached_target": False}
    # A stretch that ended with its mesh left no end: its last checkpoint is the last that is known.
    last_seen_s = run.ended_s or max(run.began_s, run.checkpoint_time_s or 0.0)
    return Run(
        run_id=run.run_id,
        spec=spec,
        plan=EvaluationPlan(spec.evaluation, spec.target_return, spec.seed, plan_state),
        request_id=request_id,
        began_s=now_s,
        elapsed_before_s=run.elapsed_s(last_seen_s),
        train_before_s=run.train_s(last_seen_s),
        is_restored=True,
        progress=run.progress,
        meter=Meter(run.progress.total("updates"), run.env_steps),
        starts=run.starts.next_stretch(shared=spec.lockstep),
        checkpoint_time_s=run.checkpoint_time_s,
    )
