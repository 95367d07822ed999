"""The replay service: its tables follow the run it is assigned to."""

from heronry.api.replay.v1 import replay_pb2_grpc
from heronry.replay.config import ReplaySettings
from heronry.replay.hosts import TableHosts
from heronry.replay.servicer import ReplayServicer
from heronry.runtime import ServerBuilder, ServiceNode
from heronry.spec import RunSpec
from heronry.types.run import Assignment, Progress

_SERVICE = "heronry.api.replay.v1.ReplayService"


class ReplayService:
    """Holds the tables of a run, and those that clients create beside them."""

    role = "replay"

    def __init__(self, settings: ReplaySettings) -> None:
        self._settings = settings
        self._hosts = TableHosts(settings.max_bytes)
        self._assignment = Assignment()
        self._run_tables: tuple[str, ...] = ()

    def add_to_server(self, server: ServerBuilder) -> None:
        """Register the servicer."""
        servicer = ReplayServicer(self._hosts, self._settings)
        server.add(servicer, replay_pb2_grpc.add_ReplayServiceServicer_to_server, _SERVICE)

    async def start(self, node: ServiceNode) -> None:
        """Nothing is slow here: tables come with the assignment or from clients."""

    async def stop(self) -> None:
        """Drop all tables and end their threads."""
        await self._hosts.close()

    async def reconcile(self, assignment: Assignment) -> None:
        """Make the tables of the run; a new start of a run begins with empty ones.

        Tables of a run that has ended stay to be looked at until another one begins.
        """
        former, self._assignment = self._assignment, assignment
        if not assignment.run_id:
            return
        is_same_start = (former.run_id, former.num_starts) == (assignment.run_id, assignment.num_starts)
        begins_anew = not is_same_start or former.desired_state.has_ended
        if begins_anew and not assignment.desired_state.has_ended:
            await self._drop_run_tables()
        definitions = RunSpec.from_dict(assignment.spec).tables()
        for definition in definitions:
            self._hosts.create(definition)
        self._run_tables = tuple(d.table for d in definitions)

    def progress(self) -> Progress:
        """Report the counters of the run's tables."""
        infos = [host.table.info() for host in self._hosts.all() if host.declared.table in self._run_tables]
        figures = {
            "inserts": float(sum(i.num_inserts for i in infos)),
            "samples": float(sum(i.num_samples for i in infos)),
            "items": float(sum(i.num_items for i in infos)),
            "lagging": float(sum(i.num_lagging for i in infos)),
        }
        reached = self._assignment.desired_state if self._run_tables else None
        return Progress(run_id=self._assignment.run_id, figures=figures, reached_state=reached)

    async def _drop_run_tables(self) -> None:
        for table in self._run_tables:
            await self._hosts.drop(table)
        self._run_tables = ()


def build(settings: ReplaySettings) -> ReplayService:
    """Return the service of a process or of an embedded mesh."""
    return ReplayService(settings)
