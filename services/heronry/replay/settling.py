"""Callers who wait until a table's changes survive what its level promises."""

import asyncio
import contextlib
from collections.abc import Callable

from heronry.replay.durability.group_commit import GroupCommit
from heronry.replay.durability.table_journal import TableJournal
from heronry.types.errors import HeronryError


class Settling:
    """Waits for positions of a journal, which one group commit forces to the disk for all who wait by then.

    Used on one event loop. Bounded by the callers, each of whom waits once.
    """

    def __init__(
        self,
        journal: TableJournal,
        group: GroupCommit,
        loop: asyncio.AbstractEventLoop,
        on_durable: Callable[[int], object],
    ) -> None:
        """Prepare; `on_durable` is called on the loop with each position that is reached."""
        self._journal = journal
        self._group = group
        self._loop = loop
        self._on_durable = on_durable
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def is_done(self) -> bool:
        """Whether all that was committed has the table's level."""
        return self._journal.settled >= self._journal.committed

    async def wait(self) -> None:
        """Return when all that was committed before has the table's level.

        Raises:
          ResourceExhaustedError: the disk failed; nothing that was not acknowledged is promised.
        """
        position = self._journal.committed
        if self._journal.settled >= position:
            return
        reached: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((position, reached))
        self.request()
        await reached

    def request(self) -> None:
        """Ask for the next group commit."""
        self._group.request(self._journal, self._tell)

    def _tell(self, position: int, error: HeronryError | None) -> None:
        # The loop is closed when its program ended without waiting.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, position, error)

    def _settle(self, position: int, error: HeronryError | None) -> None:
        waiting, self._waiting = self._waiting, []
        for wanted, reached in waiting:
            if reached.done():
                continue
            if error is not None:
                reached.set_exception(error)
            elif wanted <= position:
                reached.set_result(None)
            else:
                self._waiting.append((wanted, reached))
        if error is None:
            self._on_durable(position)
        if self._waiting:
            self.request()
