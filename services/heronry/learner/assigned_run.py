"""One run as the learner carries it out, from its assignment to its end."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from heronry.client.connection import Resolver
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.client.replay import ReplayClient
from heronry.learner.barriers import BarrierPlan, Barriers
from heronry.learner.config import LearnerServiceSettings
from heronry.learner.core.checkpoint_store import CheckpointStore
from heronry.learner.core.counters import Counters
from heronry.learner.core.learning import Learning
from heronry.learner.inference import InferenceHost
from heronry.learner.inference.central import CentralInference
from heronry.learner.plan import RunPlan
from heronry.learner.preparation import Beginning, begin, make_learning
from heronry.learner.publisher import Publisher
from heronry.learner.sampling import Sampling
from heronry.runtime.clock import Clock
from heronry.runtime.owner import Owner
from heronry.spec import EXPERIENCE, POLICY
from heronry.types.errors import FailedPreconditionError, HeronryError, UnavailableError
from heronry.types.experience import Batch
from heronry.types.run import Assignment, Barrier, LearnerStatistics, Progress, RunState, ServiceRole
from heronry.types.tensors import Array
from heronry.types.version import ParameterVersion

_log = structlog.get_logger("heronry.learner")

# How long the end of a run waits for params to take the last weights.
_SETTLE_S: Final = 3.0
# How long it waits for torch to be imported.
_IMPORT_S: Final = 3.0


@dataclass(frozen=True)
class RunContext:
    """What a run gets from its service.

    Attributes:
      connection: how other services are called.
      clock: time.
      store: this run's checkpoints.
      report: sends a heartbeat at once.
      inference: where the run's policy is evaluated for fleets, when they ask for that.
      settings: of the service.
    """

    connection: ConnectionOptions
    clock: Clock
    store: CheckpointStore
    report: Callable[[], None]
    inference: InferenceHost
    settings: LearnerServiceSettings


class AssignedRun:
    """Registers the model at once, learns while RUNNING, saves at the end.

    For one event loop. The algorithm lives in a thread of its own, and is touched only under
    `_between_updates`, so that a checkpoint falls between two updates.
    """

    def __init__(self, assignment: Assignment, plan: RunPlan, context: RunContext) -> None:
        self.run_id = assignment.run_id
        self.num_starts = assignment.num_starts
        self._assignment = assignment
        self._plan = plan
        self._context = context
        self._owner = Owner("learner")
        self._params = ParamsClient(self._resolver(ServiceRole.PARAMS), context.connection)
        self._replay = ReplayClient(self._resolver(ServiceRole.REPLAY), context.connection)
        self._publisher = Publisher(self._params, POLICY, plan.model_settings(), self._act_with)
        self._sampling = Sampling(self._replay, EXPERIENCE, plan.credits)
        self._barriers = _barriers_of(plan)
        self._learning: Learning | None = None
        self._inference: CentralInference | None = None
        self._device = ""
        self._failure: str | None = None
        self._has_model = False
        self._is_saved = False
        self._may_learn = asyncio.Event()
        self._between_updates = asyncio.Lock()
        self._ending: asyncio.Task[None] | None = None
        self._task = asyncio.create_task(self._work())

    @property
    def has_stopped(self) -> bool:
        """Whether learning has ended for good; to go on takes a new `AssignedRun`."""
        return self._ending is not None

    def statistics(self) -> LearnerStatistics:
        """Return all figures."""
        counters = self._counters()
        return LearnerStatistics(
            run_id=self.run_id,
            algorithm=self._plan.spec.algorithm.name,
            device=self._device,
            num_updates=counters.num_updates,
            num_gradient_steps=counters.num_gradient_steps,
            num_steps=counters.num_steps,
            version=self._publisher.version,
            metrics=counters.metrics,
            update_time_s=counters.update_time_s,
            waiting_time_s=counters.waiting_time_s,
            barrier=None if self._barriers is None else self._barriers.here,
        )

    def progress(self) -> Progress:
        """Return what the next heartbeat carries."""
        figures = {} if self._learning is None else self._learning.counters.figures()
        if self._barriers is not None:
            figures["barrier_updates"] = float(self._barriers.num_updates)
        return Progress(run_id=self.run_id, figures=figures, failure=self._failure, reached_state=self._reached_state())

    def apply(self, assignment: Assignment) -> None:
        """Do what the assignment says from now on; endpoints are looked up at the next connection."""
        self._assignment = assignment
        state = assignment.desired_state
        if state is RunState.RUNNING:
            self._may_learn.set()
        elif state in {RunState.PENDING, RunState.PAUSED}:
            self._may_learn.clear()
        elif self._ending is None:
            self._ending = asyncio.create_task(self._end())
        self._context.report()

    async def save_checkpoint(self) -> tuple[Path, int]:
        """Write the state between two updates; return where, and the updates it covers.

        In lockstep that is the last barrier's: from nowhere else the run can go on the same.

        Raises:
          FailedPreconditionError: nothing can be saved before the first update is possible.
          DeadlineExceededError, UnavailableError: params does not take the weights before it.
        """
        if self._learning is None:
            raise FailedPreconditionError(f"the learner is not ready for run {self.run_id!r} yet", retry_after_s=0.2)
        if self._barriers is not None:
            return self._barriers.saved
        async with self._between_updates:
            await self._settle()
            return await self._save(self._learning)

    async def close(self) -> None:
        """Stop learning, whatever it takes; drop the connections."""
        tasks = [task for task in (self._task, self._ending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._inference is not None:
            await self._context.inference.leave(self._inference.engine)
        await self._sampling.close()
        await self._publisher.close()
        await self._params.close()
        await self._replay.close()
        # A thread that is cut off while it imports torch aborts the whole process at its end.
        await asyncio.to_thread(self._owner.close, _IMPORT_S if self._learning is None else 0.0)

    def _counters(self) -> Counters:
        return Counters() if self._learning is None else self._learning.counters

    def _reached_state(self) -> RunState | None:
        if self._failure is not None:
            return None
        state = self._assignment.desired_state
        if self._ending is not None:
            # Also before the model is known: a run may be stopped as soon as it has begun.
            return state if self._is_saved else RunState.RUNNING
        if not self._has_model:
            return None
        if state is RunState.PAUSED and self._between_updates.locked():
            return RunState.RUNNING
        return state

    async def _work(self) -> None:
        """Learn from the first RUNNING to the end; tell whatever prevents it."""
        try:
            await self._learn(await self._prepare())
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # an environment's constructor may raise anything; the coordinator is told
            self._fail(error)

    async def _prepare(self) -> Learning:
        """Make the model known at once, so that fleets act while torch is still being imported."""
        plan, context = self._plan, self._context
        beginning = await asyncio.to_thread(begin, plan, context.store)
        self._serve_inference(beginning)
        is_new = await self._register(beginning)
        self._has_model = True
        context.report()
        learning, self._device = await self._owner.call(make_learning, plan, beginning, context.clock)
        if self._barriers is not None:
            await self._begin_at_barrier(self._barriers, beginning, learning)
        elif not is_new:
            await self._meet(beginning, learning)
        self._learning = learning
        _log.info(
            "learner_ready", run_id=self.run_id, device=self._device, restored=beginning.checkpoint is not None,
            version=str(self._publisher.version),
        )  # fmt: skip
        context.report()
        return learning

    def _serve_inference(self, beginning: Beginning) -> None:
        """Evaluate the policy for the run's fleets, where they do not themselves."""
        policy = self._plan.central_policy(self.run_id, beginning.network)
        if policy is None:
            return
        limits = self._plan.inference_limits(self._context.settings)
        self._inference = CentralInference(policy, self._params, limits, self._context.clock.now)
        self._context.inference.take(self._inference.engine)

    async def _act_with(self, version: ParameterVersion, tensors: Mapping[str, Array]) -> None:
        if self._inference is not None:
            await self._inference.publish(version, tensors)

    async def _register(self, beginning: Beginning) -> bool:
        """Make the model, or find it; returns whether it is new. No private run begins with what was learnt."""
        if self._plan.is_private and beginning.checkpoint is not None:
            await self._publisher.newest()
            return False
        return await self._publisher.register(beginning.weights)

    async def _meet(self, beginning: Beginning, learning: Learning) -> None:
        """Bring a learner that comes back and params to the same weights: the newer ones."""
        newest = await self._publisher.newest()
        version = self._publisher.version
        num_missed = 0 if version is None else beginning.num_missed(version)
        if num_missed > 0 or beginning.checkpoint is None or self._plan.goes_on_from_releases:
            await self._owner.call(learning.adopt, dict(newest), num_missed)
        else:
            await self._publisher.publish(beginning.weights, 0)

    async def _begin_at_barrier(self, barriers: Barriers, beginning: Beginning, learning: Learning) -> None:
        """Go back to the last barrier: what params has beyond it belongs to an earlier start."""
        while not _is_same(await self._publisher.newest(), beginning.weights):
            # A last push of the earlier start may come between: look again.
            await self._publisher.publish(beginning.weights, 0)
            await self._publisher.settled()
        await self._reach_barrier(barriers, learning)

    async def _reach_barrier(self, barriers: Barriers, learning: Learning) -> None:
        await self._publisher.settled()
        path, num_updates = await self._save(learning)
        version = self._publisher.version
        if version is None:
            raise RuntimeError("what was published has a version")
        barriers.reach(Barrier(num_updates, version, self.num_starts), path)
        self._context.report()

    async def _learn(self, learning: Learning) -> None:
        batches = self._sampling.batches(learning.batch_size, self._context.clock.now)
        await self._may_learn.wait()
        try:
            async for batch, waited_s in batches:
                await self._may_learn.wait()
                async with self._between_updates:
                    await self._update(learning, batch, waited_s)
                if not self._may_learn.is_set():
                    self._context.report()
                if self._is_over(learning):
                    return
        finally:
            await batches.aclose()

    def _is_over(self, learning: Learning) -> bool:
        if self._barriers is not None:
            return self._barriers.is_over
        return self._plan.is_over(learning.counters.num_updates)

    async def _update(self, learning: Learning, batch: Batch, waited_s: float) -> None:
        if self._barriers is not None and not self._barriers.leave(batch):
            return
        update = await self._owner.call(learning.update, batch, waited_s)
        await self._publisher.publish(update.tensors, update.num_steps)
        if self._plan.is_private:
            await self._take_release(learning)
        if update.priorities is not None:
            await self._sampling.tell(batch, update.priorities)
        if self._barriers is not None and self._barriers.is_due(learning.counters.num_updates):
            await self._reach_barrier(self._barriers, learning)

    async def _take_release(self, learning: Learning) -> None:
        """Go on from what params has released; a learner from replay goes on from its own weights."""
        released = await self._publisher.released()
        if self._plan.goes_on_from_releases:
            await self._owner.call(learning.adopt, dict(released), 0)

    async def _end(self) -> None:
        """Finish the update under way, save, and let the coordinator know."""
        try:
            async with self._between_updates:
                # Outside an update the task can only be waiting: for a batch, a pause, a service.
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            if self._learning is not None and self._failure is None:
                await self._save_last(self._learning)
            self._is_saved = True
        except HeronryError as error:
            self._fail(error)
        except OSError as error:
            self._fail(error)
        self._context.report()

    async def _save_last(self, learning: Learning) -> None:
        try:
            await self._settle()
        except HeronryError as error:
            _log.warning("last_weights_not_taken", run_id=self.run_id, reason=str(error))
        if self._barriers is None:
            await self._save(learning)

    async def _settle(self) -> None:
        """Wait until the published version is the learner's state, so that a checkpoint names it."""
        try:
            async with asyncio.timeout(_SETTLE_S):
                await self._publisher.settled()
        except TimeoutError:
            raise UnavailableError(f"params did not take the newest weights within {_SETTLE_S:g} s") from None

    async def _save(self, learning: Learning) -> tuple[Path, int]:
        checkpoint = await self._owner.call(learning.snapshot, self._publisher.version)
        path = await asyncio.to_thread(self._context.store.save, checkpoint)
        _log.info("checkpoint", run_id=self.run_id, path=str(path), num_updates=checkpoint.counters.num_updates)
        return path, checkpoint.counters.num_updates

    def _fail(self, error: Exception) -> None:
        is_ours = isinstance(error, HeronryError)
        self._failure = f"{type(error).__name__}: {error}"
        _log.error("run_failed", run_id=self.run_id, reason=self._failure, exc_info=None if is_ours else error)
        self._context.report()

    def _resolver(self, role: ServiceRole) -> Resolver:
        async def resolve() -> Sequence[str]:
            endpoints = self._assignment.of_role(role)
            if not endpoints:
                raise UnavailableError(f"no {role.value} service is assigned to run {self.run_id!r}")
            return endpoints[0].addresses

        return resolve


def _barriers_of(plan: RunPlan) -> Barriers | None:
    spec = plan.spec
    return Barriers(BarrierPlan(spec.checkpoint.every_updates, spec.max_updates)) if spec.lockstep else None


def _is_same(published: Mapping[str, Array], weights: Mapping[str, Array]) -> bool:
    """Tell whether two sets of tensors are the same, bit for bit."""
    return all(published[name].tobytes() == array.tobytes() for name, array in weights.items())
