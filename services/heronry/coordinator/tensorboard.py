"""TensorBoard events from `progress.jsonl`, with TensorBoard's own writer."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from heronry.coordinator.journal import read_json, replace_json

PROGRESS = "progress.jsonl"
_POSITION = Path("coordinator") / "tensorboard.json"
_TAGS = {"progress": "training", "evaluation": "evaluation", "judgement": "judgement"}
_NOT_SCALARS = frozenset({"kind", "time_s", "policy_time_s", "env_steps", "version"})


def write_new_events(run_dir: Path) -> int:
    """Write events for the lines that have none yet; returns how many. Imports TensorBoard at the first one."""
    lines, end = _new_lines(run_dir / PROGRESS, int(read_json(run_dir / _POSITION).get("position", 0)))
    if not lines:
        return 0
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(run_dir))
    num_events = 0
    for event in _events(lines):
        writer.add_event(event)
        num_events += 1
    writer.close()
    replace_json(run_dir / _POSITION, {"position": end})
    return num_events


def read_progress(run_dir: Path) -> list[dict[str, Any]]:
    """Return all whole lines of a run's progress."""
    return _new_lines(run_dir / PROGRESS, 0)[0]


def _new_lines(path: Path, position: int) -> tuple[list[dict[str, Any]], int]:
    if not path.exists():
        return [], position
    with path.open("rb") as file:
        file.seek(position)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return [line for line in map(_parsed, whole.splitlines()) if line], position + len(whole)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        # A line that a killed coordinator left torn and its successor wrote on behind.
        return None
    return values if isinstance(values, dict) else None


def _events(lines: Iterable[dict[str, Any]]) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    for line in lines:
        prefix = _TAGS.get(str(line.get("kind")), "other")
        values = [
            Summary.Value(tag=f"{prefix}/{name}", simple_value=float(value))
            for name, value in line.items()
            if name not in _NOT_SCALARS and isinstance(value, (int, float))
        ]
        yield Event(wall_time=line["time_s"], step=int(line.get("env_steps", 0)), summary=Summary(value=values))
