"""Uploads of checkpoints beside the service's work."""

import asyncio
from pathlib import Path

from heronry.params.remote_checkpoints import RemoteCheckpoints


class Uploads:
    """Copies checkpoints one at a time; one that waits gives way to a newer one. Belongs to one event loop."""

    def __init__(self, remote: RemoteCheckpoints) -> None:
        self._remote = remote
        self._next: Path | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self, path: Path) -> None:
        """Copy a checkpoint in the background."""
        self._next = path
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def finish(self) -> None:
        """Wait until all that was begun is there, or has failed."""
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while self._next is not None:
            path, self._next = self._next, None
            await asyncio.to_thread(self._remote.upload, path)
