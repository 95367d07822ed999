"""One run as one fleet carries it out, from its assignment to its end."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from heronry.client.connection import Resolver
from heronry.client.learner import LearnerClient
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.client.replay import ReplayClient
from heronry.environments.faults import words_of
from heronry.environments.vector import VectorEnvironment
from heronry.fleet.barriers import Barriers
from heronry.fleet.central_policy import CentralPolicy
from heronry.fleet.choice import LockstepVersion, NewestVersion, VersionChoice
from heronry.fleet.collector import Collector, CollectorSettings
from heronry.fleet.core.actor import Actor
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.figures import FleetFigures
from heronry.fleet.core.watchdog import Watchdog
from heronry.fleet.gate import Gate
from heronry.fleet.judge import EvaluationOrder, Judge
from heronry.fleet.plan import RunPlan
from heronry.fleet.sources import CentralVersions, PulledVersions
from heronry.fleet.weights import WeightsFeed
from heronry.runtime.clock import Clock
from heronry.runtime.owner import Owner
from heronry.spec import EXPERIENCE, POLICY
from heronry.types.errors import ConfigurationError, HeronryError, UnavailableError
from heronry.types.recordings import Recording, RecordingOrder
from heronry.types.run import Assignment, Evaluation, FleetStatistics, Progress, RunState, ServiceRole

_log = structlog.get_logger("heronry.fleet")

_CLOSE_S: Final = 1.0
_MAKING_S: Final = 60.0


@dataclass(frozen=True)
class RunContext:
    """What a run gets from its service.

    Attributes:
      connection: how other services are called.
      clock: time.
      max_evaluations: that may wait or run at a time.
      report: sends a heartbeat at once.
    """

    connection: ConnectionOptions
    clock: Clock
    max_evaluations: int
    report: Callable[[], None]


class AssignedRun:
    """Prepares environments at once, collects while RUNNING, judges until it is closed.

    For one event loop; environments live in a thread of their own.
    """

    def __init__(self, assignment: Assignment, plan: RunPlan, context: RunContext) -> None:
        self.run_id = assignment.run_id
        self.num_starts = assignment.num_starts
        self._assignment = assignment
        self._plan = plan
        self._context = context
        self._gate = Gate()
        self._owner = Owner("fleet-actor")
        self._params = ParamsClient(self._resolver(ServiceRole.PARAMS), context.connection)
        self._replay = ReplayClient(self._resolver(ServiceRole.REPLAY), context.connection)
        learner = LearnerClient(self._resolver(ServiceRole.LEARNER), context.connection)
        self._barriers = Barriers(learner, assignment.num_starts)
        self._judge = Judge(plan, self._params, context.max_evaluations, context.clock.now)
        self._central = self._make_central()
        self._feed = WeightsFeed(self._params, POLICY, with_values=self._central is None)
        self._figures = FleetFigures(self.run_id, plan.lanes.environment.id, plan.lanes.num_lanes, context.clock.now)
        self._actor: Actor | None = None
        self._failure: str | None = None
        self._may_start = asyncio.Event()
        self._task = asyncio.create_task(self._work())

    def statistics(self) -> FleetStatistics:
        """Return all figures."""
        return self._figures.statistics()

    def progress(self) -> Progress:
        """Return what the next heartbeat carries."""
        return Progress(
            run_id=self.run_id,
            figures=self._figures.figures(),
            first_step_time_s=self._figures.first_step_time_s,
            failure=self._failure,
            reached_state=self._reached_state(),
        )

    def apply(self, assignment: Assignment) -> None:
        """Do what the assignment says from now on; endpoints are looked up at the next connection."""
        self._assignment = assignment
        state = assignment.desired_state
        if state is RunState.RUNNING:
            self._gate.open()
            self._may_start.set()
        elif state is RunState.PAUSED:
            self._gate.close()
        elif state is not RunState.PENDING:
            # The collector may wait for a credit or version that will never come.
            self._stop()
        self._context.report()

    async def evaluate(self, order: EvaluationOrder) -> Evaluation:
        """Judge a policy, see `Judge.evaluate`; an order without a model means the run's."""
        return await self._judge.evaluate(order if order.model else replace(order, model=POLICY))

    async def record(self, order: RecordingOrder) -> Recording:
        """Film an episode, see `Judge.record`; an order without a model means the run's."""
        return await self._judge.record(order if order.model else replace(order, model=POLICY))

    async def close(self) -> None:
        """Stop collecting, release the environments, drop the connections."""
        self._stop()
        await asyncio.gather(self._task, return_exceptions=True)
        # A step may take long: the environments are released when it ends, and a thread that hangs is left behind.
        releasing = asyncio.create_task(self._owner.call(self._release))
        await asyncio.wait({releasing}, timeout=_CLOSE_S)
        self._owner.close(timeout_s=0)
        if self._central is not None:
            await self._central.close()
        await self._params.close()
        await self._replay.close()
        await self._barriers.close()

    def _stop(self) -> None:
        """End the collecting, whatever it waits for."""
        self._gate.stop()
        self._task.cancel()
        if self._central is not None:
            self._central.stop()

    def _reached_state(self) -> RunState | None:
        if self._failure is not None:
            return None
        is_there = self._task.done() if self._gate.is_stopped else self._actor is not None
        return self._assignment.desired_state if is_there else None

    async def _work(self) -> None:
        """Collect from the first RUNNING to the end; tell whatever prevents it."""
        try:
            actor = await self._made()
            self._figures.policy = "central" if self._plan.is_central else actor.backend
            self._context.report()
            await self._may_start.wait()
            await _first_to_end(self._collect(actor), self._watch(actor))
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  # an environment may raise anything; the coordinator is told
            self._fail(error)
        finally:
            asyncio.get_running_loop().call_soon(self._context.report)

    async def _made(self) -> Actor:
        """Return the actor, made in its thread; a factory may hang, and somebody wonder."""
        making = asyncio.create_task(self._owner.call(self._make_actor))
        try:
            while not (await asyncio.wait({making}, timeout=_MAKING_S))[0]:
                _log.warning("environments_still_being_made", environment=self._plan.lanes.environment.id)
        finally:
            making.cancel()
        return making.result()

    async def _watch(self, actor: Actor) -> None:
        """Wait for an environment that hangs in this process.

        Raises:
          EnvironmentFaultError: there is one.
        """
        watchdog = Watchdog(actor.environments, self._plan.lanes.environment, self._context.clock.now)
        while True:
            fault = watchdog.look()
            if fault is not None:
                raise fault
            await asyncio.sleep(watchdog.period_s)

    async def _collect(self, actor: Actor) -> None:
        plan, context = self._plan, self._context
        num_others = len(self._assignment.of_role(ServiceRole.FLEET))
        if plan.lockstep is not None and num_others:
            raise ConfigurationError.of("lockstep", True, f"false with {num_others + 1} fleets")
        following = asyncio.create_task(self._feed.follow())
        settings = CollectorSettings(
            table=EXPERIENCE,
            num_envs=plan.lanes.num_lanes,
            is_on_policy=plan.is_on_policy,
            pace=plan.pace,
            is_lockstep=plan.lockstep is not None,
            start=self.num_starts,
            num_fleets=num_others + 1,
            max_policy_lag=plan.max_policy_lag,
        )
        collector = Collector(
            settings, self._replay, self._feed, self._choice(), self._figures, context.clock, context.report
        )
        try:
            await collector.run(actor, self._owner)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            if self._central is not None:
                await self._central.end_streams()

    def _choice(self) -> VersionChoice:
        source = PulledVersions(self._feed) if self._central is None else CentralVersions(self._feed, self._central)
        if self._plan.lockstep is None:
            return NewestVersion(source)
        return LockstepVersion(source, self._barriers, self._plan.lockstep)

    def _make_central(self) -> CentralPolicy | None:
        if not self._plan.is_central:
            return None
        connection = self._context.connection
        return CentralPolicy(
            self._resolver(ServiceRole.LEARNER),
            connection,
            self.run_id,
            self.num_starts,
            connection.client_id,
            is_lockstep=self._plan.lockstep is not None,
        )

    def _make_policy(self, environment: VectorEnvironment, position: int) -> BehaviourPolicy:
        forward = None if self._central is None else self._central.forward(environment, position)
        return self._plan.make_policy(environment, forward=forward)

    def _make_actor(self) -> Actor:
        from heronry.environments.engines import engine_of  # brings Gymnasium: after the port is bound
        from heronry.fleet.core.lanes import make_actor

        plan = self._plan
        self._figures.engine = engine_of(plan.lanes.environment)
        made = make_actor(plan.lanes, plan.actor, self._make_policy, self._context.clock.now, self._gate.may_go_on)
        # Here, in their thread: nobody may wait for them any more, but they must be released.
        self._actor = made
        return made

    def _release(self) -> None:
        """Close the environments, if they were made; they may fail at that."""
        try:
            if self._actor is not None:
                self._actor.close()
        except Exception as error:  # noqa: BLE001  # an environment may raise anything
            _log.warning("environments_not_closed", run_id=self.run_id, reason=words_of(error))

    def _fail(self, error: Exception) -> None:
        self._gate.stop()
        is_ours = isinstance(error, HeronryError)
        named = f"{type(error).__name__}: {error}"
        self._failure = named if is_ours else f"environment {self._plan.lanes.environment.id!r}: {named}"
        _log.error("run_failed", run_id=self.run_id, reason=self._failure, exc_info=None if is_ours else error)

    def _resolver(self, role: ServiceRole) -> Resolver:
        async def resolve() -> Sequence[str]:
            endpoints = self._assignment.of_role(role)
            if not endpoints:
                raise UnavailableError(f"no {role.value} service is assigned to run {self.run_id!r}")
            return endpoints[0].addresses

        return resolve


async def _first_to_end(*works: Coroutine[object, object, None]) -> None:
    """Run works side by side until one of them ends, and raise what it raised; the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
