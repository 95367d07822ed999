"""Writes a run's progress while it goes on: lines in `progress.jsonl`, and TensorBoard events."""

import asyncio
import json
import resource
from collections import deque
from typing import Any, TextIO

import structlog

from heronry.coordinator import curve, tensorboard
from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core import records
from heronry.coordinator.core.meter import Mark
from heronry.coordinator.core.result import Usage
from heronry.coordinator.core.run import Run
from heronry.runtime.usage import ProcessUsage
from heronry.types.run import Evaluation, RunState

_log = structlog.get_logger(__name__)

_FINE_S, _FINE_UNTIL_S, _COARSE_S = 0.5, 120.0, 2.0
_EVENTS_EVERY_S = 10.0
_RATE_WINDOW_S = 2.0


class Recording:
    """One run's progress on disk; lines are whole, so that a reader at any moment sees valid JSON lines."""

    def __init__(self, coordination: Coordination, run: Run, instance: str) -> None:
        self._coordination = coordination
        self._run = run
        self._instance = instance
        self.folder = coordination.store.folder(run.run_id)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = (self.folder / tensorboard.PROGRESS).open("a", encoding="utf-8", buffering=1)
        self._own = ProcessUsage()
        self._marks: deque[Mark] = deque()
        self._warming: asyncio.Task[None] | None = None

    async def repeat(self) -> None:
        """Write a line every half second at first, less often later, for ever."""
        events_at_s = self._coordination.clock.now() + _EVENTS_EVERY_S
        while True:
            if self._run.state is RunState.RUNNING:
                self.point()
            now_s = self._coordination.clock.now()
            if now_s >= events_at_s:
                events_at_s = now_s + _EVENTS_EVERY_S
                await asyncio.to_thread(tensorboard.write_new_events, self.folder)
            elapsed_s = self._run.elapsed_s(self._coordination.clock.wall())
            await asyncio.sleep(_FINE_S if elapsed_s < _FINE_UNTIL_S else _COARSE_S)

    def point(self) -> None:
        """Write where the run stands."""
        run = self._run
        self._coordination.journal(records.counted(run))
        now_s = self._coordination.clock.now()
        run.meter.spend(self._instance, now_s, self._own.cpu_time_s, self._own.name)
        figures = {name: value for name, value in run.progress.figures().items() if _is_finite(value)}
        self._line({"kind": "progress", **figures, "updates": run.updates, "steps_per_s": self._rate(now_s)})

    def evaluation(self, evaluation: Evaluation, policy_time_s: float, kind: str = "evaluation") -> None:
        """Write the outcome of an evaluation of the policy as it was at `policy_time_s`."""
        self._line(
            {
                "kind": kind,
                "policy_time_s": round(policy_time_s, 3),
                "env_steps": self._run.env_steps,
                "updates": self._run.updates,
                "version": str(evaluation.version),
                "episodes": len(evaluation.returns),
                "mean_return": evaluation.mean_return,
                "sd_return": evaluation.sd_return,
            }
        )

    def expect_end(self) -> None:
        """Load what draws the curve, in a thread: the end of the run is near and should not wait for it."""
        if self._warming is None:
            self._warming = asyncio.create_task(asyncio.to_thread(curve.load))

    def usages(self) -> list[Usage]:
        """Return what each process takes, this one included."""
        services = [Usage.of(service) for service in self._coordination.registry.services()]
        return [own_usage(self._instance), *services]

    async def draw(self, result: dict[str, Any]) -> None:
        """Draw the curve and write the last events; a failure costs the picture, not the result."""
        if self._warming is not None:
            await self._warming
        for what, work in (
            ("curve", lambda: curve.draw(self.folder, result)),
            ("events", lambda: tensorboard.write_new_events(self.folder)),
        ):
            try:
                await asyncio.to_thread(work)
            except Exception as error:  # noqa: BLE001 (a drawing library's errors are its own)
                _log.warning("not_drawn", what=what, reason=repr(error))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _line(self, fields: dict[str, Any]) -> None:
        wall_s = self._coordination.clock.wall()
        line = {"time_s": round(wall_s, 3), "elapsed_s": round(self._run.elapsed_s(wall_s), 3), **fields}
        self._file.write(json.dumps(line) + "\n")

    def _rate(self, now_s: float) -> float:
        """Return the steps per second of the last seconds."""
        newest = self._run.meter.newest
        if newest is not None and (not self._marks or newest != self._marks[-1]):
            self._marks.append(newest)
        while len(self._marks) > 1 and self._marks[0].time_s < now_s - _RATE_WINDOW_S:
            self._marks.popleft()
        if len(self._marks) < 2:
            return 0.0
        first, last = self._marks[0], self._marks[-1]
        return round((last.env_steps - first.env_steps) / (last.time_s - first.time_s), 1)


def own_usage(instance: str) -> Usage:
    """Return what this process takes."""
    usage = ProcessUsage()
    # Linux counts the highest resident set in KiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resident = usage.resident_bytes
    return Usage(instance, resident, max(peak, resident), usage.cpu_time_s, 1, usage.name)


def _is_finite(value: float) -> bool:
    return value - value == 0.0
