"""The parameter service as the runtime runs it."""

import asyncio
import os
import random
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from heronry.api.params.v1 import params_pb2_grpc
from heronry.params.config import ParamsSettings
from heronry.params.core.private.guards import LEDGER, FolderGuards
from heronry.params.core.resources import ModelResources
from heronry.params.open_state import OpenState
from heronry.params.remote_checkpoints import RemoteCheckpoints
from heronry.params.secure_rounds import SecureRounds
from heronry.params.servicer import RAW_REQUESTS, RAW_RESPONSES, ParamsServicer
from heronry.params.shard_follower import FollowerSettings, ShardFollowers
from heronry.params.transfers import Transfers
from heronry.runtime.clock import Clock, SystemClock
from heronry.runtime.node import ServiceNode
from heronry.runtime.server import ServerBuilder
from heronry.types.errors import ConfigurationError, UnavailableError
from heronry.types.run import Assignment, Progress

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

_log = structlog.get_logger(__name__)
_FULL_NAME = "heronry.api.params.v1.ParamsService"
_STANDALONE = "standalone"
_RETRY_AFTER_S = 0.1


class ParamsService:
    """Holds the models of one run at a time: those of the assignment, or its own when it stands alone."""

    def __init__(
        self, settings: ParamsSettings, clock: Clock | None = None, chance: random.Random | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._chance = chance or random.SystemRandom()
        self._transfers = Transfers.of(settings, self._clock)
        self._secure = SecureRounds(self._transfers, self._clock, settings.stall_s)
        self._connection = settings.connection_options
        self._state: OpenState | None = None
        self._followers: ShardFollowers | None = None
        self._assignment = Assignment()

    @property
    def role(self) -> str:
        """`params`."""
        return "params"

    def add_to_server(self, server: ServerBuilder) -> None:
        """Register the servicer."""
        servicer = ParamsServicer(self._open_state, self._transfers, self._secure, self._settings, self._clock)
        add = params_pb2_grpc.add_ParamsServiceServicer_to_server
        server.add(servicer, add, _FULL_NAME, raw_requests=RAW_REQUESTS, raw_responses=RAW_RESPONSES)

    def collector(self) -> "Collector":
        """Return what reads the models' figures for Prometheus."""
        from heronry.params.metrics import ModelMetrics  # only those who ask pay for the import

        return ModelMetrics(lambda: self._state, self._transfers, self._clock)

    async def start(self, node: ServiceNode) -> None:
        """Open the service's own folder when no coordinator will name a run."""
        self._connection = node.connection_options
        if not self._settings.coordinator:
            await self._open("")

    async def stop(self) -> None:
        """Close the folder; what was acknowledged is in its journal."""
        await self._close()
        await self._transfers.close()

    async def reconcile(self, assignment: Assignment) -> None:
        """Take over another run's models, restoring them from its folder, and drop the former run's.

        Between runs the models of the last one stay; a service that had none opens its own.
        """
        is_same = self._state is not None and assignment.run_id in {"", self._state.run_id}
        if not is_same:
            await self._close()
            await self._open(assignment.run_id)
        self._assignment = assignment

    def progress(self) -> Progress:
        """Return versions published, contributions accepted and refused; a run's models are ready in every state."""
        if self._state is None:
            return Progress(run_id=self._assignment.run_id)
        figures, run_id = self._state.models.figures(), self._assignment.run_id
        return Progress(run_id, figures, reached_state=self._assignment.desired_state if run_id else None)

    def _open_state(self) -> OpenState:
        if self._state is None:
            raise UnavailableError("params has no assignment yet", retry_after_s=_RETRY_AFTER_S)
        return self._state

    async def _open(self, run_id: str) -> None:
        path = self._settings.data_dir / (run_id or _STANDALONE) / "checkpoints" / "params"
        self._make_folder(path)
        owner = f"{self._settings.instance or self.role} (process {os.getpid()})"
        guards = FolderGuards(
            path,
            owner,
            self._settings.insecure_deterministic_noise,
            is_authenticated=self._settings.tokens_file is not None,
        )
        resources = ModelResources(
            self._settings.lease_s, self._transfers.pool, path, self._chance, guards, self._transfers.buffers.take
        )
        state = await OpenState.open(run_id, path, resources, self._clock, self._remote(run_id))
        following = FollowerSettings(
            self._connection, self._settings.shard_patience_s, self._settings.max_journal_bytes
        )
        self._followers = ShardFollowers(state, following, self._clock)
        self._state = state

    def _make_folder(self, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            allowed = f"a folder that can be made and written to ({error.strerror}: {error.filename})"
            raise ConfigurationError.of("data_dir", str(self._settings.data_dir), allowed) from error

    def _remote(self, run_id: str) -> RemoteCheckpoints | None:
        settings = self._settings
        if not settings.checkpoint_url:
            return None
        folder = f"{run_id or _STANDALONE}/{settings.instance or f'{self.role}-0'}"
        return RemoteCheckpoints(f"{settings.checkpoint_url.rstrip('/')}/{folder}", settings.num_checkpoints_kept)

    async def _close(self) -> None:
        state, self._state = self._state, None
        followers, self._followers = self._followers, None
        if followers is not None:
            await followers.close()
        await self._secure.close()
        self._transfers.clear()
        if state is None:
            return
        await state.close()
        folder = self._settings.data_dir / _STANDALONE
        if not state.run_id and not state.models.num_bytes and not list(folder.rglob(LEDGER)):
            # Nobody used the service between runs: leave nothing behind.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
