"""One run from submission to its end, seen from the terminal."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any

from rich.console import Console

from heronry.cli.coordinator import connect_to_coordinator, service_fields, wait_for_socket
from heronry.cli.progress import ProgressView, view_for
from heronry.cli.run_mesh import RunMesh
from heronry.cli.run_plan import RunPlan
from heronry.cli.run_report import Outcome
from heronry.client.coordinator import CoordinatorClient
from heronry.types.errors import AbortedError, DeadlineExceededError, UnavailableError
from heronry.types.run import RunStatus

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
# A foreign mesh whose coordinator stays away that long is given up; of our own the supervisor decides.
AWAY_TIMEOUT_S = 60.0


class TrainingSession:
    """Submits the planned run and follows it; Ctrl-C stops it, a second one kills the mesh."""

    def __init__(self, plan: RunPlan, mesh: RunMesh, console: Console) -> None:
        self._plan = plan
        self._mesh = mesh
        self._console = console
        self._interrupted = asyncio.Event()
        self._num_interrupts = 0
        self._is_submitted = False
        self._task: asyncio.Task[object] | None = None

    async def run(self) -> Outcome:
        """Run until the run has ended; returns how. Cancelled when interrupted too early or too often to wait."""
        self._task = asyncio.current_task()
        with self._signals():
            async with connect_to_coordinator(self._mesh.address) as coordinator:
                status = await self._or_failure(self._submit(coordinator))
                self._is_submitted = True
                self._tell_where_to_join()
                view = view_for(self._console, self._plan.title, self._plan.spec.target_return)
                with view:
                    status = await self._follow(coordinator, status, view)
                services = await self._services(coordinator)
        return Outcome(status, services, was_interrupted=self._interrupted.is_set())

    def _tell_where_to_join(self) -> None:
        if not self._plan.spec.needs_learner:
            where = f"its learner is your program: Mesh.connect({self._mesh.address!r})"
            self._console.print(where, soft_wrap=True, highlight=False, markup=False)

    async def _submit(self, coordinator: CoordinatorClient) -> RunStatus:
        spec = self._plan.spec.to_dict()
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await wait_for_socket(self._mesh.address, START_TIMEOUT_S)
                return await self._submit_when_there(coordinator, spec)
        except TimeoutError:
            address = self._mesh.address
            raise DeadlineExceededError(f"no coordinator answered at {address} within {START_TIMEOUT_S:g} s") from None

    async def _submit_when_there(self, coordinator: CoordinatorClient, spec: dict[str, Any]) -> RunStatus:
        while True:
            try:
                return await coordinator.submit_run(spec, run_id=self._plan.run_id, restore=self._plan.is_restored)
            except UnavailableError:
                await asyncio.sleep(0.05)

    async def _follow(self, coordinator: CoordinatorClient, status: RunStatus, view: ProgressView) -> RunStatus:
        watching = asyncio.create_task(self._or_failure(self._watch(coordinator, status, view)))
        interrupted = asyncio.create_task(self._interrupted.wait())
        try:
            await asyncio.wait({watching, interrupted}, return_when=asyncio.FIRST_COMPLETED)
            if not watching.done():
                await self._stop_run(coordinator)
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await asyncio.wait({watching})
            return watching.result()
        finally:
            await _ended(watching, interrupted)

    async def _watch(self, coordinator: CoordinatorClient, status: RunStatus, view: ProgressView) -> RunStatus:
        view.show(status)
        async for newest in _statuses(coordinator, self._plan.run_id):
            status = newest
            view.show(status)
            if status.state.has_ended:
                break
        return status

    async def _stop_run(self, coordinator: CoordinatorClient) -> None:
        self._console.print("stopping the run: a checkpoint is taken (Ctrl-C again ends at once)")
        with contextlib.suppress(UnavailableError, DeadlineExceededError):
            await coordinator.stop(self._plan.run_id, evaluate=False)

    async def _services(self, coordinator: CoordinatorClient) -> tuple[Mapping[str, object], ...]:
        try:
            return tuple(service_fields(service) for service in await coordinator.list_services())
        except (UnavailableError, DeadlineExceededError):
            return ()

    async def _or_failure(self, work: Coroutine[object, object, RunStatus]) -> RunStatus:
        """Wait for `work`, or raise the error by which a process of the mesh was given up."""
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=0.1))[0]:
                if self._mesh.failure is not None:
                    raise self._mesh.failure
            return task.result()
        finally:
            await _ended(task)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_interrupt)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _on_interrupt(self) -> None:
        self._num_interrupts += 1
        self._interrupted.set()
        if self._num_interrupts == 2:
            self._console.print("ending at once")
            self._mesh.kill()
        if self._task is not None and (self._num_interrupts > 1 or not self._is_submitted):
            self._task.cancel()


async def _ended(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel tasks and wait until they are over: what they hold is released while the loop is there."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _statuses(coordinator: CoordinatorClient, run_id: str) -> AsyncIterator[RunStatus]:
    """Yield statuses across restarts of the coordinator."""
    loop = asyncio.get_running_loop()
    away_since: float | None = None
    while True:
        try:
            async for status in coordinator.watch_run(run_id):
                away_since = None
                yield status
                if status.state.has_ended:
                    return
        except (UnavailableError, AbortedError):
            away_since = loop.time() if away_since is None else away_since
            if loop.time() - away_since > AWAY_TIMEOUT_S:
                raise
        await asyncio.sleep(0.2)
