"""The learner's service: carries out the assigned run, one at a time."""

import asyncio
import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import structlog

from heronry.api.learner.v1 import inference_pb2_grpc, learner_pb2_grpc
from heronry.learner.assigned_run import AssignedRun, RunContext
from heronry.learner.config import LearnerServiceSettings
from heronry.learner.inference import InferenceHost, InferenceServicer
from heronry.learner.inference.followed_run import FollowedRun
from heronry.learner.plan import RunPlan
from heronry.learner.preparation import store_of
from heronry.learner.servicer import LearnerServicer
from heronry.native import BACKEND
from heronry.runtime.clock import Clock, SystemClock
from heronry.runtime.node import ServiceNode
from heronry.runtime.server import ServerBuilder
from heronry.spec import RunSpec
from heronry.types.errors import FailedPreconditionError
from heronry.types.run import Assignment, LearnerStatistics, Progress, RunState

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

# Answers of `SaveCheckpoint` that are remembered, so that a repeated request repeats nothing.
_NUM_REMEMBERED: Final = 64

Saved = tuple[Path, int]

_log = structlog.get_logger(__name__)


class LearnerService:
    """Implements `heronry.runtime.service.Service`."""

    role: Final = "learner"

    def __init__(self, settings: LearnerServiceSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._node: ServiceNode | None = None
        self._run: AssignedRun | None = None
        self._followed: FollowedRun | None = None
        self._inference = InferenceHost()
        self._importing: asyncio.Task[ModuleType] | None = None
        self._saved: dict[str, asyncio.Task[Saved]] = {}

    def statistics(self) -> LearnerStatistics:
        """Return what was done for the assigned run; nothing without one."""
        return LearnerStatistics() if self._run is None else self._run.statistics()

    async def save_checkpoint(self, request_id: str) -> Saved:
        """Write a checkpoint of the assigned run.

        Raises:
          FailedPreconditionError: no run is assigned.
        """
        if self._run is None:
            raise FailedPreconditionError("no run is assigned to this learner")
        if not request_id:
            return await self._run.save_checkpoint()
        task = self._saved.get(request_id)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.create_task(self._run.save_checkpoint())
            self._saved[request_id] = task
            while len(self._saved) > _NUM_REMEMBERED:
                del self._saved[next(iter(self._saved))]
        return await asyncio.shield(task)

    def add_to_server(self, server: ServerBuilder) -> None:
        """Register the servicers."""
        add = learner_pb2_grpc.add_LearnerServiceServicer_to_server
        server.add(LearnerServicer(self), add, "heronry.api.learner.v1.LearnerService")
        add_inference = inference_pb2_grpc.add_InferenceServiceServicer_to_server
        server.add(InferenceServicer(self._inference), add_inference, "heronry.api.learner.v1.InferenceService")

    def collector(self) -> "Collector":
        """Return what reads the figures of central inference for Prometheus."""
        from heronry.learner.inference.metrics import InferenceMetrics  # only those who ask pay for the import

        return InferenceMetrics(self._inference)

    async def start(self, node: ServiceNode) -> None:
        """Keep the node; begin to import torch beside it, so that calls and a first assignment need not wait."""
        self._node = node
        if BACKEND == "numpy":
            _log.info("numpy_twin_in_use", reason="the native core was not built, or HERONRY_NATIVE=0")
        self._importing = asyncio.create_task(asyncio.to_thread(importlib.import_module, "torch"))

    async def stop(self) -> None:
        """Stop learning."""
        await self._end_run()
        if self._followed is not None:
            await self._followed.close()
        if self._importing is not None:
            # The thread cannot be stopped; what it says no longer matters.
            self._importing.cancel()
            await asyncio.gather(self._importing, return_exceptions=True)

    async def reconcile(self, assignment: Assignment) -> None:
        """Begin, pause, go on with or end the run.

        Raises:
          ConfigurationError: the spec cannot be used.
        """
        run = self._run
        if run is not None and (_is_of_another_start(run, assignment) or _goes_on_again(run, assignment)):
            await self._end_run()
        is_wanted = bool(assignment.run_id) and not assignment.desired_state.has_ended
        spec = RunSpec.from_dict(assignment.spec) if is_wanted else None
        if self._run is None and spec is not None and spec.needs_learner:
            self._run = self._begin_run(assignment)
        if self._run is not None:
            self._run.apply(assignment)
        await self._follow(assignment, spec)

    def progress(self) -> Progress:
        """Return the run's progress."""
        run = self._run or self._followed
        return Progress() if run is None else run.progress()

    async def _follow(self, assignment: Assignment, spec: RunSpec | None) -> None:
        """Evaluate the policy of a run whose learner is the user's own program, where its fleets want that."""
        is_wanted = spec is not None and not spec.needs_learner and spec.fleet.inference == "central"
        followed = self._followed
        if followed is not None and (not is_wanted or followed.run_id != assignment.run_id):
            self._followed = None
            await followed.close()
        if spec is not None and is_wanted and self._followed is None:
            self._followed = FollowedRun(
                assignment,
                RunPlan.of_followed(spec),
                self._inference,
                self._started_node.connection_options,
                self._settings,
                self._clock,
            )
        if self._followed is not None:
            self._followed.apply(assignment)

    @property
    def _started_node(self) -> ServiceNode:
        if self._node is None:
            raise RuntimeError("the service is not started")
        return self._node

    def _begin_run(self, assignment: Assignment) -> AssignedRun:
        node = self._started_node
        plan = RunPlan.from_spec(assignment.spec)
        context = RunContext(
            connection=node.connection_options,
            clock=self._clock,
            store=store_of(self._settings.data_dir, assignment.run_id, self._settings.num_checkpoints_kept),
            report=node.report_now,
            inference=self._inference,
            settings=self._settings,
        )
        return AssignedRun(assignment, plan, context)

    async def _end_run(self) -> None:
        run, self._run = self._run, None
        self._saved.clear()
        if run is not None:
            await run.close()


def _is_of_another_start(run: AssignedRun, assignment: Assignment) -> bool:
    return (run.run_id, run.num_starts) != (assignment.run_id, assignment.num_starts)


def _goes_on_again(run: AssignedRun, assignment: Assignment) -> bool:
    """Whether a run that was ended here is to be learnt again."""
    wanted = {RunState.PENDING, RunState.RUNNING, RunState.PAUSED}
    return run.has_stopped and assignment.desired_state in wanted


def build(settings: LearnerServiceSettings) -> LearnerService:
    """Return the service, with the machine's clock."""
    return LearnerService(settings, SystemClock())
