"""What users can have done to runs, and the task that drives the active one."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from heronry.coordinator.controller import RunController
from heronry.coordinator.coordination import Coordination
from heronry.coordinator.core.run import Ending, Run
from heronry.coordinator.peers import Peers
from heronry.types.run import RunState, RunStatus

_log = structlog.get_logger(__name__)


class Commands:
    """Submits, steers and stops runs; one is driven at a time."""

    def __init__(self, coordination: Coordination, peers: Peers, instance: str) -> None:
        self._coordination = coordination
        self._peers = peers
        self._instance = instance
        self._controller: RunController | None = None
        self._task: asyncio.Task[None] | None = None

    def submit(
        self, spec: Mapping[str, Any], run_id: str = "", *, restore: bool = False, request_id: str = ""
    ) -> RunStatus:
        """Begin a run, or go on with one; see `Coordination.submit`."""
        run = self._coordination.submit(spec, run_id, restore=restore, request_id=request_id)
        self.drive(run)
        return self._coordination.status(run)

    def drive(self, run: Run) -> None:
        """Drive a run that has not ended, unless that is being done."""
        if run.state.has_ended or (self._controller is not None and self._controller.run is run):
            return
        self._controller = RunController(self._coordination, run, self._peers, self._instance)
        self._task = asyncio.get_running_loop().create_task(self._controller.drive(), name=f"run-{run.run_id}")

    def pause(self, run_id: str) -> RunStatus:
        """Halt the active run."""
        run = self._coordination.require_active(run_id)
        self._coordination.pause(run)
        return self._coordination.status(run)

    def resume(self, run_id: str) -> RunStatus:
        """Let the active run go on."""
        run = self._coordination.require_active(run_id)
        self._coordination.resume(run)
        return self._coordination.status(run)

    def stop(self, run_id: str, *, is_judged: bool) -> RunStatus:
        """Begin to end the active run; a run that has ended already is shown as it is."""
        run = self._coordination.find(run_id)
        if not run.state.has_ended:
            run = self._coordination.require_active(run_id)
            self._coordination.end(run, Ending(RunState.STOPPED, is_judged, "stopped by request"))
        return self._coordination.status(run)

    async def checkpoint(self, run_id: str, request_id: str) -> Sequence[str]:
        """Have checkpoints of the active run written now."""
        run = self._coordination.require_active(run_id)
        self.drive(run)
        return await self._controller.checkpointing.take(request_id) if self._controller is not None else ()

    async def list_runs(self) -> list[RunStatus]:
        """Describe all runs, oldest first; reads journals, so not on the loop."""
        runs = await asyncio.to_thread(self._coordination.store.all)
        return [self._coordination.status(run) for run in runs]

    async def close(self) -> None:
        """Stop driving; the run itself stays as its journal has it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
