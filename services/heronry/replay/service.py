"""The replay service: its tables follow the run it is assigned to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.replay.config import ReplaySettings
from heronry.replay.hosts import TableHosts
from heronry.replay.servicer import ReplayServicer
from heronry.replay.shared_memory import SharedMemory
from heronry.runtime import ServerBuilder, ServiceNode
from heronry.spec import RunSpec
from heronry.types.errors import ConfigurationError, FencedError
from heronry.types.run import Assignment, Progress
from heronry.types.tables import TableDefinition

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

_log = structlog.get_logger(__name__)

_SERVICE = "heronry.api.replay.v1.ReplayService"


class ReplayService:
    """Holds the tables of a run, and those that clients create beside them."""

    role = "replay"

    def __init__(self, settings: ReplaySettings) -> None:
        self._settings = settings
        self._hosts = TableHosts(settings)
        self._shared_memory = SharedMemory(settings.max_shared_bytes if settings.shared_memory else 0)
        self._assignment = Assignment()
        self._run_tables: tuple[str, ...] = ()

    @property
    def hosts(self) -> TableHosts:
        """Its tables."""
        return self._hosts

    @property
    def shared_memory(self) -> SharedMemory:
        """What is lent to readers on this machine."""
        return self._shared_memory

    def add_to_server(self, server: ServerBuilder) -> None:
        """Register the servicer."""
        servicer = ReplayServicer(self._hosts, self._settings, self._shared_memory)
        server.add(
            servicer,
            replay_pb2_grpc.add_ReplayServiceServicer_to_server,
            _SERVICE,
            raw_requests={"Append"},
            raw_responses={"Sample"},
        )

    def collector(self) -> "Collector":
        """Return what reads the tables' figures for Prometheus."""
        from heronry.replay.metrics import TableMetrics  # only those who ask pay for the import

        return TableMetrics(self._hosts)

    async def start(self, node: ServiceNode) -> None:
        """Serve the tables of clients that a former process left.

        Raises:
          ConfigurationError: another server that stands alone uses their folder.
        """
        try:
            await self._hosts.recover()
        except FencedError as error:
            if not self._settings.coordinator:
                raise ConfigurationError(error.message, details=error.details) from error
            # A run's tables lie in the run's own folder: the run can do without what others left here.
            _log.warning("tables_not_recovered", error=str(error))

    async def stop(self) -> None:
        """Let go of all tables and end their threads; those with a folder are found again."""
        await self._hosts.close()
        await self._shared_memory.close()

    async def reconcile(self, assignment: Assignment) -> None:
        """Make the tables of the run.

        A new start of a run begins with empty ones, but for those that outlive the process: they are there
        again, unless the run goes in lockstep, which begins anew at a barrier. Tables of a run that has
        ended stay to be looked at until another one begins.
        """
        former, self._assignment = self._assignment, assignment
        if not assignment.run_id:
            return
        spec = RunSpec.from_dict(assignment.spec)
        is_same_start = (former.run_id, former.num_starts) == (assignment.run_id, assignment.num_starts)
        begins_anew = not is_same_start or former.desired_state.has_ended
        if begins_anew and not assignment.desired_state.has_ended:
            await self._begin(former.run_id, assignment.run_id, is_kept=not spec.lockstep)
        await self._make_tables(assignment.run_id, spec.tables())

    def progress(self) -> Progress:
        """Report the counters of the run's tables."""
        hosts = [host for host in self._hosts.all() if host.declared.table in self._run_tables]
        infos = [host.table.info() for host in hosts]
        held_back = [host.longest_waiting("insert") for host in hosts]
        figures = {
            "inserts": float(sum(i.num_inserts for i in infos)),
            "samples": float(sum(i.num_samples for i in infos)),
            "items": float(sum(i.num_items for i in infos)),
            "lagging": float(sum(i.num_lagging for i in infos)),
            "insert_waiting_s": max((w.waited_s for w in held_back if w is not None), default=0.0),
        }
        reached = self._assignment.desired_state if self._run_tables else None
        return Progress(run_id=self._assignment.run_id, figures=figures, reached_state=reached)

    async def _begin(self, former_id: str, run_id: str, *, is_kept: bool) -> None:
        """Drop what a start of a run does not begin with."""
        is_same_run = former_id == run_id
        kept = []
        for table in self._run_tables:
            host = self._hosts.find(table)
            if is_kept and is_same_run and host is not None and host.is_durable:
                kept.append(table)
            else:
                await self._hosts.drop(table)
        if former_id and not is_same_run:
            await self._hosts.leave(former_id)
        recovered = await self._hosts.recover(run_id)
        for table in () if is_kept else recovered:
            await self._hosts.drop(table)
        if not is_kept:
            await self._hosts.discard_unopened(run_id)
        self._run_tables = (*kept, *(recovered if is_kept else ()))

    async def _make_tables(self, run_id: str, definitions: Sequence[TableDefinition]) -> None:
        for definition in definitions:
            known = self._hosts.find(definition.table)
            if known is not None and known.declared != definition and definition.table in self._run_tables:
                # Left by the same run under another spec.
                await self._hosts.drop(definition.table)
            await self._hosts.create(definition, run_id)
        self._run_tables = tuple(d.table for d in definitions)


def build(settings: ReplaySettings) -> ReplayService:
    """Return the service of a process or of an embedded mesh."""
    return ReplayService(settings)
