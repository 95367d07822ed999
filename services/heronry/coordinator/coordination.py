"""The coordinator's state, and the moves that calls make in it."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import structlog
import yaml

from heronry.coordinator.core import records
from heronry.coordinator.core.evaluation_plan import EvaluationPlan
from heronry.coordinator.core.registry import Registry, Service
from heronry.coordinator.core.run import Ending, Run
from heronry.coordinator.core.starts import Starts
from heronry.coordinator.journal import Journal, replace_text
from heronry.coordinator.pulse import Pulse
from heronry.coordinator.run_store import RunStore
from heronry.coordinator.state_file import StateFile
from heronry.runtime.clock import Clock
from heronry.spec import RunSpec, check_network
from heronry.types.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    InvalidArgumentError,
    RunActiveError,
)
from heronry.types.run import (
    Assignment,
    Lease,
    Progress,
    Registration,
    RunState,
    RunStatus,
    ServiceInfo,
    ServiceRole,
)

_log = structlog.get_logger(__name__)

SPEC = "spec.yaml"
_WATCH_SPACING_S = 0.1
_WATCH_PERIOD_S = 1.0
_LOOK_S = 30.0


class Coordination:
    """Registry, runs and what everybody is told to do; lives on one event loop.

    Every change is journaled before it is told to anybody, then `pulse` beats.
    """

    def __init__(self, store: RunStore, state: StateFile, clock: Clock, lease_s: float) -> None:
        self.store = store
        self.clock = clock
        self.registry = Registry(lease_s, state.instances)
        self.pulse = Pulse()
        self.active: Run | None = None
        self._state = state
        self._journal: Journal | None = None
        self._generation = 0
        self._told: object = None

    # Services

    def register(
        self, role: ServiceRole, instance: str, incarnation: int, addresses: tuple[str, ...], build: str
    ) -> Registration:
        """Enter a service into the registry; see `Registry.register`."""
        now_s = self.clock.now()
        registration = self.registry.register(role, instance, incarnation, addresses, build, now_s)
        self._save_state()
        self._count_start(instance, incarnation)
        _log.info("service_registered", role=role.value, instance=instance, starts=registration.num_starts)
        self.changed()
        return registration

    def heartbeat(
        self,
        instance: str,
        fencing_token: int,
        progress: Progress,
        resident_bytes: int,
        cpu_time_s: float,
        process: str = "",
    ) -> Lease:
        """Renew a lease and count what is reported; see `Registry.heartbeat`."""
        now_s = self.clock.now()
        lease = self.registry.heartbeat(instance, fencing_token, progress, resident_bytes, cpu_time_s, now_s, process)
        service = self.registry.holder(instance, fencing_token)
        run = self.active
        if run is not None and progress.run_id == run.run_id:
            incarnation = service.record.incarnation
            run.progress.report(instance, incarnation, progress.figures, progress.first_step_time_s)
            run.meter.spend(instance, now_s, cpu_time_s, process)
            run.meter.count(now_s, run.env_steps, run.updates)
        self.changed()
        return lease

    def deregister(self, instance: str, fencing_token: int) -> None:
        """Take a service out of the registry."""
        self.registry.deregister(instance, fencing_token)
        _log.info("service_deregistered", instance=instance)
        self.changed()

    def expire_leases(self) -> None:
        """Notice the services that have gone silent."""
        lost = self.registry.expire(self.clock.now())
        for instance in lost:
            _log.warning("lease_lost", instance=instance)
            if self.active is not None:
                self.active.progress.forget(instance)
        if lost:
            self.changed()

    def services(self) -> tuple[ServiceInfo, ...]:
        """Return the registry, sorted by role and instance."""
        return tuple(service.info(self.clock.now()) for service in self.registry.services())

    def assignment_for(self, instance: str, fencing_token: int) -> Assignment:
        """Return what a service should be doing; raises as `Registry.heartbeat` does."""
        service = self.registry.holder(instance, fencing_token)
        run = self.active
        others = tuple(e for e in self.registry.endpoints() if e.instance != instance)
        if run is None:
            return Assignment(generation=self._generation, endpoints=others)
        return Assignment(
            generation=self._generation,
            run_id=run.run_id,
            desired_state=run.state,
            spec=run.spec.to_dict(),
            endpoints=others,
            restore=run.must_restore(self._registered_wall_s(service)),
            num_starts=run.starts.number(instance),
        )

    async def assignments(self, instance: str, fencing_token: int) -> AsyncIterator[Assignment]:
        """Yield a service's assignment now and at each change, the newest only. Raises as `assignment_for` does."""
        generation = -1
        while True:
            count = self.pulse.count
            assignment = self.assignment_for(instance, fencing_token)
            if assignment.generation != generation:
                generation = assignment.generation
                yield assignment
            await self.pulse.after(count, _LOOK_S)

    def failure(self) -> str | None:
        """Return why a service cannot go on with the active run."""
        run = self.active
        if run is None:
            return None
        for service in self.registry.services():
            if service.progress.failure and _has_taken_up(run, service):
                return f"{service.record.instance}: {service.progress.failure}"
        return None

    def waiting_for(self, run: Run) -> tuple[ServiceRole, ...]:
        """Return the roles that have yet to turn to the run: what they hold for another one would be lost."""
        holders = (ServiceRole.PARAMS, ServiceRole.REPLAY)
        return tuple(role for role in holders if not any(_has_taken_up(run, s) for s in self.registry.alive(role)))

    # Runs

    def submit(self, spec: Mapping[str, Any], run_id: str, *, restore: bool, request_id: str = "") -> Run:
        """Begin a run, or the next stretch of one.

        Raises:
          RunActiveError: another run has not ended.
          AlreadyExistsError: a run of that name exists and `restore` is not set.
          RunNotFoundError: `restore` is set and there is no such run.
          FailedPreconditionError: it is finished, and the spec asks for no more than it has reached.
          ConfigurationError: the spec cannot be used.
          InvalidArgumentError: its network does not fit its environment, where that is known.
        """
        repeated = self._repeated(run_id, request_id, restore=restore)
        if repeated is not None:
            return repeated
        run = self._restored(spec, run_id, request_id) if restore else self._new(spec, run_id, request_id)
        self._begin(run)
        return run

    def recover(self) -> Run | None:
        """Take up the run that was active when the coordinator died, exactly where it stood."""
        run_id = self._state.active_run_id
        run = self.store.get(run_id) if run_id and self.store.has(run_id) else None
        if run is None:
            return None
        self.active = run
        if not run.state.has_ended:
            self._journal = self.store.open(run)
            _log.info("run_recovered", run=run.run_id, state=run.state.value, env_steps=run.env_steps)
        self.changed()
        return run

    def find(self, run_id: str) -> Run:
        """Return a run by id; empty: the newest. Raises RunNotFoundError."""
        return self.store.get(run_id) if run_id else (self.active or self.store.newest())

    def require_active(self, run_id: str) -> Run:
        """Return the run under way, which must be `run_id` unless that is empty.

        Raises:
          FailedPreconditionError: it has ended, or there is none.
        """
        run = self.store.get(run_id) if run_id else self.active
        if run is None or run is not self.active or run.state.has_ended:
            what = f"run {run.run_id!r} is {run.state.value}" if run else "no run is active"
            details = {"field": "run_id", "value": run_id, "allowed": "the active run"}
            raise FailedPreconditionError(what, details=details)
        return run

    def pause(self, run: Run) -> None:
        """Halt collecting and learning; a run that is paused stays so."""
        if run.state is not RunState.PAUSED:
            self.move(run, RunState.PAUSED)

    def resume(self, run: Run) -> None:
        """Go on after a pause; a run that is under way goes on."""
        if run.state is RunState.PAUSED:
            has_all = run.started_s is not None and not self.waiting_for(run)
            self.move(run, RunState.RUNNING if has_all else RunState.PENDING)

    def end(self, run: Run, ending: Ending) -> None:
        """Begin to finish a run."""
        if run.end_by(ending, self.clock.wall()):
            self.journal(records.moved(run))
            _log.info("run_finishing", run=run.run_id, reason=ending.reason, judged=ending.is_judged)
            self.changed()

    def move(self, run: Run, state: RunState, message: str = "") -> None:
        """Enter a state, journaled before anybody is told."""
        run.move_to(state, self.clock.wall(), message)
        self.journal(records.moved(run))
        _log.info("run_state", run=run.run_id, state=state.value, message=message)
        self.changed()

    def note(self, run: Run, message: str) -> None:
        """Tell why the run waits."""
        if run.message != message:
            run.message = message
            self.changed()

    def journal(self, record: records.Record) -> None:
        """Write a record of the active run."""
        if self._journal is not None:
            self._journal.append(record)

    def sync_journal(self) -> None:
        """Have the journal survive a loss of power; takes milliseconds, call it in a thread."""
        if self._journal is not None:
            self._journal.sync()

    def status(self, run: Run) -> RunStatus:
        """Describe a run."""
        best = run.plan.candidate or run.plan.best
        return RunStatus(
            run_id=run.run_id,
            state=run.state,
            env_steps=run.env_steps,
            updates=run.updates,
            episodes=run.progress.total("episodes"),
            mean_return=run.progress.gauge("mean_return"),
            version=run.version,
            evaluation=best.summary if best else None,
            elapsed_s=run.elapsed_s(self.clock.wall()),
            message=run.message,
            run_dir=str(self.store.folder(run.run_id)),
            result=run.result,
            spec=run.spec.to_dict(),
            checkpoint_time_s=run.checkpoint_time_s,
        )

    async def watch(self, run: Run) -> AsyncIterator[RunStatus]:
        """Yield the run's status now, at each change and every second; ends after the final state."""
        while True:
            count = self.pulse.count
            status = self.status(run)
            yield status
            if status.state.has_ended and run.state.has_ended:
                return
            # Versions may change a hundred times a second; a reader wants state changes at once.
            quiet_until = self.clock.now() + _WATCH_SPACING_S
            while run.state is status.state and (left := quiet_until - self.clock.now()) > 0:
                count = await self.pulse.after(count, left)
            if run.state is status.state:
                await self.pulse.after(count, _WATCH_PERIOD_S)

    def changed(self) -> None:
        """Wake everybody who waits; assignments get a new generation when they differ."""
        run = self.active
        told = (run and (run.run_id, run.state, run.spec, run.starts.numbers()), self.registry.endpoints())
        if told != self._told:
            self._told = told
            self._generation += 1
        self.pulse.beat()

    def close(self) -> None:
        """Close the journal; a mesh that ends with no run under way is forgotten."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self.active is None or self.active.state.has_ended:
            self._state.remove()

    def _new(self, spec: Mapping[str, Any], run_id: str, request_id: str) -> Run:
        checked = RunSpec.from_dict(spec)
        check_network(checked)
        now_s = self.clock.wall()
        run_id = run_id or _run_name(checked, now_s)
        if self.store.has(run_id):
            raise AlreadyExistsError(
                f"run {run_id!r} exists: restore it, or choose another run_id",
                details={"field": "run_id", "value": run_id, "allowed": "a new name, or restore"},
            )
        plan = EvaluationPlan(checked.evaluation, checked.target_return, checked.seed)
        starts = Starts(shared=checked.lockstep)
        return Run(run_id, checked, plan, request_id=request_id, began_s=now_s, starts=starts)

    def _restored(self, spec: Mapping[str, Any], run_id: str, request_id: str) -> Run:
        if not run_id:
            raise InvalidArgumentError.of("run_id", run_id, "the run to restore")
        before = self.store.reload(run_id)
        checked = RunSpec.from_dict(spec) if spec else before.spec
        check_network(checked)
        if before.is_complete_for(checked):
            raise FailedPreconditionError(
                f"run {run_id!r} is already finished ({before.message}): "
                "raise max_env_steps, or set another target_return, to go on",
                details={"field": "run_id", "value": run_id, "state": before.state.value},
            )
        return records.next_stretch(before, checked, request_id, self.clock.wall())

    def _repeated(self, run_id: str, request_id: str, *, restore: bool) -> Run | None:
        run = self.active
        if run is not None and request_id and run.request_id == request_id:
            return run
        if run is None or run.state.has_ended:
            return None
        if restore and run.run_id == run_id:
            return run
        raise RunActiveError(
            f"run {run.run_id!r} is {run.state.value}; stop it first",
            details={"field": "run_id", "value": run_id, "active": run.run_id, "state": run.state.value},
        )

    def _begin(self, run: Run) -> None:
        if self._journal is not None:
            self._journal.close()
        self._journal = self.store.open(run)
        for service in self.registry.services():
            run.starts.count(service.record.instance, service.record.incarnation)
        self._journal.append(records.submitted(run))
        replace_text(self.store.folder(run.run_id) / SPEC, yaml.safe_dump(run.spec.to_dict(), sort_keys=False))
        self.active = run
        self._save_state()
        _log.info("run_submitted", run=run.run_id, restored=run.is_restored, algorithm=run.spec.algorithm.name)
        self.changed()

    def _count_start(self, instance: str, incarnation: int) -> None:
        run = self.active
        if run is None or not run.may_start_services:
            return
        before = run.starts.number(instance)
        if not run.starts.count(instance, incarnation):
            return
        self.journal(records.started(run))
        takes_all_back = run.spec.lockstep and run.starts.number(instance) > before
        if takes_all_back and run.state is RunState.RUNNING:
            self.move(run, RunState.PENDING, f"{instance} came back: all go back to the last barrier")

    def _save_state(self) -> None:
        self._state.save(self.active.run_id if self.active else "", self.registry.records())

    def _registered_wall_s(self, service: Service) -> float:
        return self.clock.wall() - (self.clock.now() - service.registered_s)


def _has_taken_up(run: Run, service: Service) -> bool:
    """Tell whether a service's report is about its last start in the run."""
    report = service.progress
    return report.run_id == run.run_id and report.num_starts == run.starts.number(service.record.instance)


def _run_name(spec: RunSpec, now_s: float) -> str:
    environment = re.sub(r"[^a-z0-9]+", "-", spec.environment.id.partition("-v")[0].lower()).strip("-")
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now_s))
    return f"{environment}-{spec.algorithm.name}-{spec.seed}-{stamp}"
