"""The models of one run with their owner thread and their folder."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from heronry.params.core.durability.checkpoint import Checkpoint
from heronry.params.core.resources import ModelResources
from heronry.params.recovery import Opened, recover
from heronry.params.remote_checkpoints import RemoteCheckpoints
from heronry.params.round_deadlines import RoundDeadlines
from heronry.params.uploads import Uploads
from heronry.runtime.clock import Clock
from heronry.runtime.owner import Owner
from heronry.types.blocking import Changed
from heronry.types.errors import DeadlineExceededError, HeronryError
from heronry.types.version import ParameterVersion

_log = structlog.get_logger(__name__)
_SAVES_REMEMBERED = 256
_MODELS_A_JOURNAL = 4

T = TypeVar("T")


@dataclass(frozen=True)
class Saved:
    """A checkpoint that was written: its directory and the newest version of each model."""

    path: Path
    versions: tuple[tuple[str, ParameterVersion], ...]


class OpenState:
    """Lives from the moment a run's folder is opened until another run takes the service."""

    def __init__(self, run_id: str, opened: Opened, remote: RemoteCheckpoints | None, clock: Clock) -> None:
        """Take over an open folder and the models restored from it; checkpoints are copied to `remote`."""
        self.run_id = run_id
        self.models = opened.models
        self.owner = Owner("params", clock)
        self._deadlines = RoundDeadlines(self.owner, self.models, clock)
        self._closing_rounds = asyncio.create_task(self._deadlines.run())
        self._folder = opened.folder
        self._uploads = None if remote is None else Uploads(remote)
        self._begin_upload(opened.checkpoint)
        self._saving = asyncio.Lock()
        self._saved: OrderedDict[str, Saved] = OrderedDict()
        self._background: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls,
        run_id: str,
        path: Path,
        resources: ModelResources,
        clock: Clock,
        remote: RemoteCheckpoints | None = None,
    ) -> "OpenState":
        """Open a folder, restoring what it holds; errors as `recover`."""
        return cls(run_id, await asyncio.to_thread(recover, path, resources, remote), remote, clock)

    @property
    def journal_bytes(self) -> int:
        """Bytes that a restart would have to replay."""
        return self._folder.journal_bytes

    def notice_rounds(self) -> None:
        """Take note that a round may have opened: its deadline is kept from now on."""
        self._deadlines.notice()

    async def change(self, function: Callable[..., Changed[T]], *args: object) -> T:
        """Make a core call that changes something; return its value."""
        value: T = await self.owner.call(function, *args)
        return value

    async def awaited(self, read: Callable[..., T], *args: object, wait_s: float | None) -> T:
        """Call `read(*args, may_wait)`; when waiting was in vain, once more without, for its own answer."""
        if wait_s is not None:
            with contextlib.suppress(DeadlineExceededError):
                return await self.owner.call(read, *args, True, timeout_s=wait_s)
        return await self.owner.call(read, *args, False)

    async def save(self, request_id: str = "") -> Saved:
        """Write a checkpoint, once a request id; one at a time. Contributions go on meanwhile.

        Raises:
          ResourceExhaustedError: the disk is full; journals go on as before.
        """
        async with self._saving:
            if request_id in self._saved:
                return self._saved[request_id]
            checkpoint: Checkpoint = await self.owner.call(self.models.begin_checkpoint)
            path = await asyncio.to_thread(self._folder.write, checkpoint)
            self._begin_upload(path)
            saved = Saved(path, tuple((m.name, m.versions[-1].version) for m in checkpoint.models))
            if request_id:
                self._remember(request_id, saved)
        _log.info("checkpoint_saved", path=str(path), versions={name: str(v) for name, v in saved.versions})
        return saved

    def save_if_longer(self, max_journal_bytes: int) -> None:
        """Begin a checkpoint in the background when the journal has grown beyond a bound.

        The bound rises with the models: a checkpoint must not be written for every contribution.
        """
        bound = max(max_journal_bytes, _MODELS_A_JOURNAL * self.models.num_bytes)
        if self._folder.journal_bytes > bound and (self._background is None or self._background.done()):
            self._background = asyncio.create_task(self._save_logged())

    async def close(self) -> None:
        """Refuse whoever waits, end the owner thread and let go of the folder."""
        self._closing_rounds.cancel()
        await asyncio.gather(self._closing_rounds, return_exceptions=True)
        await self._finish_uploads()
        if self._background is not None:
            await asyncio.gather(self._background, return_exceptions=True)
        async with self._saving:
            await asyncio.to_thread(self.owner.close)
            self.models.close()
            self._folder.close()

    def _begin_upload(self, checkpoint: Path | None) -> None:
        if self._uploads is not None and checkpoint is not None:
            self._uploads.begin(checkpoint)

    async def _finish_uploads(self) -> None:
        """Copy what came since the last checkpoint too."""
        if self._uploads is not None:
            await self._save_logged()
            await self._uploads.finish()

    async def _save_logged(self) -> None:
        try:
            await self.save()
        except HeronryError as error:
            _log.error("checkpoint_failed", reason=str(error))

    def _remember(self, request_id: str, saved: Saved) -> None:
        self._saved[request_id] = saved
        while len(self._saved) > _SAVES_REMEMBERED:
            self._saved.popitem(last=False)
