"""The fleet's service: carries out the assigned run, one at a time."""

import asyncio
import importlib
from typing import TYPE_CHECKING, Final

from heronry.api.fleet.v1 import fleet_pb2_grpc
from heronry.fleet.assigned_run import AssignedRun, RunContext
from heronry.fleet.config import FleetServiceSettings
from heronry.fleet.judge import EvaluationOrder
from heronry.fleet.plan import RunPlan
from heronry.fleet.servicer import FleetServicer
from heronry.runtime.clock import Clock, SystemClock
from heronry.runtime.node import ServiceNode
from heronry.runtime.server import ServerBuilder
from heronry.types.errors import FailedPreconditionError
from heronry.types.recordings import Recording, RecordingOrder
from heronry.types.run import Assignment, Evaluation, FleetStatistics, Progress

if TYPE_CHECKING:
    from prometheus_client.registry import Collector


class FleetService:
    """Implements `heronry.runtime.service.Service`."""

    role: Final = "fleet"

    def __init__(self, settings: FleetServiceSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._node: ServiceNode | None = None
        self._run: AssignedRun | None = None

    def statistics(self) -> FleetStatistics:
        """Return what was done for the assigned run; nothing without one."""
        return FleetStatistics() if self._run is None else self._run.statistics()

    async def evaluate(self, order: EvaluationOrder) -> Evaluation:
        """Judge a policy of the assigned run.

        Raises:
          FailedPreconditionError: no run is assigned.
        """
        if self._run is None:
            raise FailedPreconditionError("no run is assigned to this fleet")
        return await self._run.evaluate(order)

    async def record(self, order: RecordingOrder) -> Recording:
        """Film an episode of a policy of the assigned run.

        Raises:
          FailedPreconditionError: no run is assigned.
        """
        if self._run is None:
            raise FailedPreconditionError("no run is assigned to this fleet")
        return await self._run.record(order)

    def collector(self) -> "Collector":
        """Return what collects the run's figures."""
        from heronry.fleet.metrics import FleetMetrics  # prometheus-client: only where metrics are asked for

        return FleetMetrics(self.statistics)

    def add_to_server(self, server: ServerBuilder) -> None:
        """Register the servicer."""
        add = fleet_pb2_grpc.add_FleetServiceServicer_to_server
        server.add(FleetServicer(self), add, "heronry.api.fleet.v1.FleetService")

    async def start(self, node: ServiceNode) -> None:
        """Import Gymnasium: slow, so after the addresses are bound, and off the loop."""
        self._node = node
        await asyncio.to_thread(importlib.import_module, "heronry.fleet.core.evaluation")

    async def stop(self) -> None:
        """Stop collecting and release the environments."""
        await self._end_run()

    async def reconcile(self, assignment: Assignment) -> None:
        """Begin, pause, go on with or end the run; another start of it is begun anew.

        Raises:
          ConfigurationError: the spec cannot be used.
        """
        run = self._run
        if run is not None and (run.run_id, run.num_starts) != (assignment.run_id, assignment.num_starts):
            await self._end_run()
        if self._run is None and assignment.run_id:
            self._run = self._begin_run(assignment)
        if self._run is not None:
            self._run.apply(assignment)

    def progress(self) -> Progress:
        """Return the run's progress."""
        return Progress() if self._run is None else self._run.progress()

    def _begin_run(self, assignment: Assignment) -> AssignedRun:
        node = self._node
        if node is None:
            raise RuntimeError("the service is not started")
        plan = RunPlan.from_spec(assignment.spec, node.index)
        context = RunContext(
            connection=node.connection_options,
            clock=self._clock,
            max_evaluations=self._settings.max_evaluations,
            report=node.report_now,
        )
        return AssignedRun(assignment, plan, context)

    async def _end_run(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            await run.close()


def build(settings: FleetServiceSettings) -> FleetService:
    """Return the service, with the machine's clock."""
    return FleetService(settings, SystemClock())
