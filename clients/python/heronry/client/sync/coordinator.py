"""Blocking client of the coordinator."""

from collections.abc import Iterator, Mapping

from heronry.client.coordinator import CoordinatorClient as AsyncCoordinatorClient
from heronry.client.sync.blocking_client import BlockingClient
from heronry.types.run import RunStatus, ServiceInfo


class CoordinatorClient(BlockingClient[AsyncCoordinatorClient]):
    """Submits and steers runs, shows the registry; see the asynchronous client of the same name."""

    _asynchronous = AsyncCoordinatorClient

    def submit_run(
        self, spec: Mapping[str, object], run_id: str = "", *, restore: bool = False, request_id: str | None = None
    ) -> RunStatus:
        """Start a run; one is active at a time."""
        return self._loop.run(self._client.submit_run(spec, run_id, restore=restore, request_id=request_id))

    def get_run(self, run_id: str = "") -> RunStatus:
        """Show a run; by default the newest."""
        return self._loop.run(self._client.get_run(run_id))

    def list_runs(self) -> tuple[RunStatus, ...]:
        """Show all runs, oldest first."""
        return self._loop.run(self._client.list_runs())

    def watch_run(self, run_id: str = "") -> Iterator[RunStatus]:
        """Yield a run's status now and at each change, until it ends."""
        return self._loop.iterate(self._client.watch_run(run_id))

    def pause(self, run_id: str = "") -> RunStatus:
        """Halt collecting and learning; by default of the active run."""
        return self._loop.run(self._client.pause(run_id))

    def resume(self, run_id: str = "") -> RunStatus:
        """Go on after a pause."""
        return self._loop.run(self._client.resume(run_id))

    def checkpoint(self, run_id: str = "", *, request_id: str | None = None) -> tuple[str, ...]:
        """Have params and learner write checkpoints; return their directories."""
        return self._loop.run(self._client.checkpoint(run_id, request_id=request_id))

    def stop(self, run_id: str = "", *, evaluate: bool = True) -> RunStatus:
        """End a run early; `evaluate` judges the policy and writes a result before."""
        return self._loop.run(self._client.stop(run_id, evaluate=evaluate))

    def list_services(self) -> tuple[ServiceInfo, ...]:
        """Show the registry, sorted by role and instance."""
        return self._loop.run(self._client.list_services())
