"""All services of a mesh behind one address, for programs without an event loop."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from heronry.client.mesh import Mesh as AsyncMesh
from heronry.client.options import TlsOptions
from heronry.client.sync.coordinator import CoordinatorClient
from heronry.client.sync.inference import InferenceClient
from heronry.client.sync.loop import LoopThread
from heronry.client.sync.params import ParamsClient
from heronry.client.sync.replay import ReplayClient
from heronry.client.sync.workers import FleetClient, LearnerClient
from heronry.types.run import RunStatus, ServiceInfo, ServiceRole


class Mesh:
    """Blocking clients of a mesh's services; works in a notebook, whose own loop keeps running.

    `Mesh.connect` connects at once; use it as `with`, or call `close` at the end.
    """

    def __init__(self, mesh: AsyncMesh) -> None:
        """Open a mesh that was made but not opened yet."""
        self._mesh = mesh
        self._loop = LoopThread("mesh")
        try:
            self._loop.run(mesh.open())
        except BaseException:
            self._loop.close()
            raise
        self.params = ParamsClient.of(mesh.params, self._loop)
        self.replay = ReplayClient.of(mesh.replay, self._loop)
        self.coordinator = CoordinatorClient.of(mesh.coordinator, self._loop)
        self.fleet = FleetClient.of(mesh.fleet, self._loop)
        self.learner = LearnerClient.of(mesh.learner, self._loop)
        self.inference = InferenceClient.of(mesh.inference, self._loop)

    @classmethod
    def connect(
        cls,
        address: str,
        *,
        token: str | None = None,
        tls: TlsOptions | None = None,
        client_id: str | None = None,
        timeout_s: float = 10.0,
    ) -> Self:
        """Connect to the mesh whose coordinator listens at `address`: `host:port` or `unix:/path`.

        Raises:
          UnavailableError: nobody answers at the address; says what to start.
        """
        return cls(AsyncMesh.connect(address, token=token, tls=tls, client_id=client_id, timeout_s=timeout_s))

    @classmethod
    def embedded(
        cls, spec: Mapping[str, object] | None = None, *, data_dir: Path | None = None, num_fleets: int = 1
    ) -> Self:
        """Start a mesh inside this process, on a background thread; submits `spec`, if given."""
        return cls(AsyncMesh.embedded(spec, data_dir=data_dir, num_fleets=num_fleets))

    @property
    def address(self) -> str:
        """Where the coordinator listens."""
        return self._mesh.address

    def start_run(
        self, spec: Mapping[str, object], run_id: str = "", *, restore: bool = False, timeout_s: float = 60.0
    ) -> RunStatus:
        """Submit a run and wait until it is under way."""
        return self._loop.run(self._mesh.start_run(spec, run_id, restore=restore, timeout_s=timeout_s))

    def services(self, role: ServiceRole) -> tuple[ServiceInfo, ...]:
        """Return the registered services of a role whose lease is in force, sorted by instance."""
        return self._loop.run(self._mesh.services(role))

    def close(self) -> None:
        """Close every client and the loop; an embedded mesh is stopped."""
        try:
            self._loop.run(self._mesh.close())
        finally:
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
