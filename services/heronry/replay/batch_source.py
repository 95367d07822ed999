"""What a reader's stream draws from: one table, or several with weights."""

from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol

from heronry.replay.core.batch_buffer import BatchBuffer
from heronry.replay.core.sample_session import SampleMessage, SampleSession
from heronry.replay.hosts import TableHost
from heronry.replay.told_waits import Tell, told_why

# At most so many bytes are drawn on the event loop: tens of microseconds.
SHORT_BYTES: Final = 256 << 10

Inbox = deque[SampleMessage]


def is_short(host: TableHost, num_bytes: int) -> bool:
    """Tell whether a batch may be drawn on the event loop: not one of unknown size, nor of steps that lie on a disk."""
    return 0 < num_bytes <= SHORT_BYTES and not host.declared.spill


class BatchSource(Protocol):
    """Draws batches for one reader."""

    @property
    def may_collect(self) -> bool:
        """Whether there is a credit, and room for another lease."""
        ...

    async def advance(self, inbox: Inbox, num_bytes: int, max_batches: int, tell: Tell) -> Sequence[BatchBuffer]:
        """Take what came in and return the next batches in their order; each has `num_bytes`, 0 before the first."""
        ...

    async def close(self, inbox: Inbox) -> None:
        """Give back what is leased or half drawn."""
        ...


class TableSource:
    """Draws from one table: at once where that is short and the table free, else in its owner's thread."""

    def __init__(self, host: TableHost, session: SampleSession, period_s: float) -> None:
        self._host = host
        self._session = session
        self._period_s = period_s

    @property
    def may_collect(self) -> bool:
        """Whether there is a credit, and room for another lease."""
        return self._session.may_collect

    async def advance(self, inbox: Inbox, num_bytes: int, max_batches: int, tell: Tell) -> Sequence[BatchBuffer]:
        """Take what came in and return the next batches; waits until there is one, or no credit for one."""
        session = self._session
        if is_short(self._host, num_bytes):
            at_once = min(max_batches, SHORT_BYTES // num_bytes)
            changed = self._host.attempt(session.advance, inbox, at_once)
            if changed is not None:
                return changed.value
        call = self._host.change(session.advance, inbox, max_batches)
        return await told_why(call, self._host, "sample", self._period_s, tell)

    async def close(self, inbox: Inbox) -> None:
        """End the session."""
        await self._host.finish(self._session.close, inbox)
