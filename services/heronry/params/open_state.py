"""The models of one run with their owner thread and their folder."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog

from heronry.params.core.checkpoint import Checkpoint
from heronry.params.core.models import Models
from heronry.params.core.state_folder import StateFolder
from heronry.runtime.owner import Owner
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

    def __init__(self, run_id: str, folder: StateFolder, models: Models) -> None:
        """Take over an open folder and the models restored from it."""
        self.run_id = run_id
        self.models = models
        self.owner = Owner("params")
        self._folder = folder
        self._saving = asyncio.Lock()
        self._saved: OrderedDict[str, Saved] = OrderedDict()
        self._background: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, run_id: str, path: Path, lease_s: float) -> "OpenState":
        """Open a folder, restoring what it holds, in an epoch of its own.

        Raises:
          DataLossError: there are checkpoints, but none is valid.
          FailedPreconditionError: another service uses the folder.
        """
        folder, models = await asyncio.to_thread(_recover, path, lease_s)
        return cls(run_id, folder, models)

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
        if self._background is not None:
            await asyncio.gather(self._background, return_exceptions=True)
        async with self._saving:
            await asyncio.to_thread(self.owner.close)
            self._folder.close()

    async def _save_logged(self) -> None:
        try:
            await self.save()
        except HeronryError as error:
            _log.error("checkpoint_failed", reason=str(error))

    def _remember(self, request_id: str, saved: Saved) -> None:
        self._saved[request_id] = saved
        while len(self._saved) > _SAVES_REMEMBERED:
            self._saved.popitem(last=False)


def _recover(path: Path, lease_s: float) -> tuple[StateFolder, Models]:
    folder = StateFolder(path)
    try:
        recovered = folder.recover()
        epoch = recovered.epoch + 1
        folder.enter(epoch)
        models = Models(folder, epoch, lease_s)
        problems = [*recovered.problems, *models.restore(recovered)]
        for problem in problems:
            _log.warning("state_damaged", folder=str(path), error=type(problem).__name__, reason=str(problem))
        if recovered.is_empty:
            folder.rotate()
        else:
            folder.write(models.begin_checkpoint())
            versions: dict[str, Any] = {i.model: str(i.version) for i in models.infos()}
            _log.info("state_restored", folder=str(path), epoch=epoch, versions=versions)
    except BaseException:
        folder.close()
        raise
    return folder, models
