"""A reader's stream: credits and acknowledgements in, batches out."""

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from heronry.replay.core.batch_buffer import BatchBuffer, NewBuffer
from heronry.replay.core.conditions import INSERTABLE, Condition
from heronry.replay.core.drawing import Drawing, DrawOptions
from heronry.replay.core.table import Table
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.errors import InvalidArgumentError

MAX_CREDITS: Final = 1024


@dataclass(frozen=True)
class SampleHeader:
    """What opens a reader's stream; no columns: all. The rest is as in `DrawOptions`."""

    table: str
    batch_size: int
    columns: Sequence[str] = ()
    independent: bool = False
    without_replacement: bool = False


@dataclass(frozen=True)
class Credits:
    """Asks for more batches."""

    num_batches: int


@dataclass(frozen=True)
class Acknowledge:
    """Gives all batches up to this one back as done."""

    batch_id: int


SampleMessage = Credits | Acknowledge


class CreditAccount:
    """Counts what a reader asked for and what it has been given."""

    def __init__(self) -> None:
        self._credits = 0
        self._next_batch_id = 1

    @property
    def has_credit(self) -> bool:
        """Whether a batch is asked for."""
        return self._credits > 0

    def grant(self, num_batches: int) -> None:
        """Take more credits.

        Raises:
          InvalidArgumentError: too many are unused.
        """
        if self._credits + num_batches > MAX_CREDITS:
            raise InvalidArgumentError.of("credits.num_batches", num_batches, f"at most {MAX_CREDITS} unused")
        self._credits += num_batches

    def spend(self) -> int:
        """Use a credit and return the id of its batch."""
        self._credits -= 1
        self._next_batch_id += 1
        return self._next_batch_id - 1

    def check_sent(self, batch_id: int) -> None:
        """Check that a batch was sent.

        Raises:
          InvalidArgumentError: it was not.
        """
        if batch_id >= self._next_batch_id:
            raise InvalidArgumentError.of("acknowledge.batch_id", batch_id, f"at most {self._next_batch_id - 1}")


class SampleSession:
    """One connection of a reader.

    A batch is drawn item by item as the limiter allows, and is handed out when it is full: what was
    drawn before stays in its buffer, so that a batch may be larger than the limiter's window. A batch
    costs a credit. Under AT_LEAST_ONCE it is leased until acknowledged, and what is not acknowledged at
    the end goes back to the table; under AT_MOST_ONCE it is gone.
    """

    def __init__(self, table: Table, header: SampleHeader, max_batch_bytes: int, new_buffer: NewBuffer) -> None:
        """Open the stream; `new_buffer` makes the memory of a batch.

        Raises:
          InvalidArgumentError: a batch without items, or larger than the table may ever hold.
          SchemaMismatchError: a column that the table does not have.
          MessageTooLargeError: the batch would exceed `max_batch_bytes`.
        """
        options = DrawOptions(
            batch_size=header.batch_size,
            columns=header.columns,
            independent=header.independent,
            without_replacement=header.without_replacement,
            max_batch_bytes=max_batch_bytes,
        )
        self._table = table
        self._batch_size = header.batch_size
        self._drawing = Drawing(table, options)
        self._new_buffer = new_buffer
        self._account = CreditAccount()
        self._buffer: BatchBuffer | None = None
        self._filled = 0

    @property
    def may_collect(self) -> bool:
        """Whether there is a credit, and room for another lease."""
        return self._account.has_credit and self._drawing.may_draw

    def advance(self, inbox: deque[SampleMessage], max_batches: int = 1) -> Changed[list[BatchBuffer]]:
        """Take what came in, and return the next batches, as many as there are credits for.

        Messages that come in while this waits are taken when it is tried again.

        Raises:
          WouldBlock: the limiter lets not even one batch out now; the same call again goes on from there.
          InvalidArgumentError: too many credits, or a batch that was never sent.
        """
        if inbox:
            self._receive(inbox)
        full: list[BatchBuffer] = []
        while len(full) < max_batches and self.may_collect:
            try:
                full.append(self._collect())
            except WouldBlock:
                if full:
                    break
                raise
        return Changed(full, INSERTABLE if full else frozenset())

    def close(self, inbox: deque[SampleMessage]) -> Changed[None]:
        """End the connection: what is leased or half collected goes back, where the table says so."""
        # The reader is gone: its mistakes concern nobody any more.
        with contextlib.suppress(InvalidArgumentError):
            self._receive(inbox)
        self._buffer = None
        return self._drawing.close()

    def _receive(self, inbox: deque[SampleMessage]) -> None:
        while inbox:
            match inbox.popleft():
                case Credits(num_batches):
                    self._account.grant(num_batches)
                case Acknowledge(batch_id):
                    self._account.check_sent(batch_id)
                    self._drawing.acknowledge(batch_id)

    def _collect(self) -> BatchBuffer:
        """Return a full batch.

        Raises:
          WouldBlock: it is not full; `changed` tells whether anything was drawn.
        """
        buffer = self._buffer or self._begin()
        changed: frozenset[Condition] = frozenset()
        while self._filled < self._batch_size:
            try:
                self._filled += self._drawing.fill(buffer, self._filled, self._batch_size - self._filled).value
            except WouldBlock as blocked:
                raise WouldBlock(blocked.condition, blocked.waiting, changed=changed | blocked.changed) from None
            changed = INSERTABLE
        batch_id = self._account.spend()
        buffer.seal(batch_id, self._drawing.table_size)
        self._drawing.end_batch(batch_id)
        self._buffer, self._filled = None, 0
        return buffer

    def _begin(self) -> BatchBuffer:
        layout = self._drawing.layout
        if layout is None:
            limiter = self._table.contents.limiter
            raise WouldBlock(Condition.CAN_SAMPLE, limiter.sample_waiting())
        self._buffer = self._new_buffer(layout)
        return self._buffer
