"""A writer's stream: header and blocks in, progress out."""

from collections.abc import Sequence
from dataclasses import dataclass

from heronry.replay.core.conditions import INSERTABLE, SAMPLEABLE
from heronry.replay.core.priorities import check_priority
from heronry.replay.core.signature import check_block
from heronry.replay.core.table import Table
from heronry.replay.core.writers import PendingBlock, Writer
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel, Block

MAX_LANES = 65_536


@dataclass(frozen=True)
class AppendHeader:
    """What opens a writer's stream."""

    table: str
    writer_id: str
    writer_epoch: int
    columns: Sequence[ColumnSpec]
    num_lanes: int


@dataclass(frozen=True)
class AppendProgress:
    """All blocks up to `accepted_sequence` are accepted; `credits` more may be under way."""

    accepted_sequence: int
    level: AcknowledgementLevel
    credits: int


class AppendSession:
    """One connection of a writer.

    Blocks come in the order of their sequence. A block is stored at once and accepted when its items
    are in the table; one that was accepted before is acknowledged and dropped. An append that must
    wait has stored its block and perhaps inserted some of its items: the same call again goes on
    from there, also on a later connection of the same writer.
    """

    def __init__(self, table: Table, header: AppendHeader, max_unanswered: int) -> None:
        """Prepare the stream; the writer may have `max_unanswered` blocks under way."""
        self._table = table
        self._header = header
        self._max_unanswered = max_unanswered
        self._opened: Writer | None = None

    @property
    def progress(self) -> AppendProgress:
        """How far the writer has come."""
        accepted = 0 if self._opened is None else self._opened.accepted or 0
        return AppendProgress(accepted, self._table.definition.acknowledgement, self._max_unanswered)

    def open(self) -> AppendProgress:
        """Take the writer's place.

        Raises:
          SchemaMismatchError: the columns are not the table's.
          FencedError: a later start of the writer is known.
          InvalidArgumentError, ResourceExhaustedError: no writer id, lanes, or too many writers.
        """
        header = self._header
        _check_header(header)
        self._table.declare_columns(header.columns)
        writer = self._table.writers.find(header.writer_id, header.writer_epoch, header.num_lanes)
        if writer is None:
            writer = self._add_writer()
        self._table.writers.attach(writer, self)
        self._opened = writer
        return self.progress

    def append(self, block: Block) -> Changed[AppendProgress]:
        """Store a block and insert its items.

        Raises:
          WouldBlock: the limiter lets no further item in now.
          SchemaMismatchError, InvalidArgumentError: the block does not fit; nothing was stored.
          ResourceExhaustedError: the byte budget is used up; nothing was stored.
          AbortedError: the writer is connected anew.
        """
        writer = self._writer
        if writer.accepted is not None and block.sequence <= writer.accepted:
            return Changed(self.progress)
        if writer.pending is None:
            writer.pending = self._stored(block)
        self._check_sequence(block.sequence, writer.pending.sequence)
        has_inserted = self._insert(writer.pending)
        writer.accepted = writer.pending.sequence
        writer.pending = None
        return Changed(self.progress, SAMPLEABLE if has_inserted else frozenset())

    def close(self) -> Changed[None]:
        """End the connection: the lanes end here, unfinished windows are dropped, the writer may come back."""
        if self._opened is not None:
            self._table.writers.detach(self._opened, self)
        # Nothing changed for the others, but whoever withdrew while waiting is forgotten by it.
        return Changed(None, INSERTABLE)

    @property
    def _writer(self) -> Writer:
        if self._opened is None:
            raise FailedPreconditionError("the stream is not open")
        self._opened.check_holder(self)
        return self._opened

    def _stored(self, block: Block) -> PendingBlock:
        writer = self._writer
        if writer.accepted is not None:
            self._check_sequence(block.sequence, writer.accepted + 1)
        check_block(block.columns, self._table.specs, block.num_steps, writer.num_lanes)
        if block.priority is not None:
            check_priority("block.priority", block.priority)
        rows = self._table.store.append(writer.strands, block.columns, block.num_steps)
        return PendingBlock(block.sequence, rows, block.behaviour_version, block.priority)

    def _insert(self, pending: PendingBlock) -> bool:
        """Insert all items that remain and tell whether there were any."""
        has_inserted = False
        while len(pending.rows):
            try:
                count = self._table.insert(pending.rows, pending.priority, pending.version)
            except WouldBlock as blocked:
                changed = SAMPLEABLE if has_inserted else frozenset()
                raise WouldBlock(blocked.condition, blocked.waiting, changed=changed) from None
            pending.rows = pending.rows[count:]
            has_inserted = True
        return has_inserted

    def _check_sequence(self, sequence: int, expected: int) -> None:
        if sequence != expected:
            raise InvalidArgumentError.of("block.sequence", sequence, f"{expected}, or one accepted before")

    def _add_writer(self) -> Writer:
        header = self._header
        strands = self._table.store.open_strands(header.num_lanes)
        writer = Writer(header.writer_id, header.writer_epoch, header.num_lanes, strands)
        self._table.store.release(self._table.writers.add(writer))
        return writer


def _check_header(header: AppendHeader) -> None:
    if not header.writer_id:
        raise InvalidArgumentError.of("header.writer_id", header.writer_id, "a name, not empty")
    if not 1 <= header.num_lanes <= MAX_LANES:
        raise InvalidArgumentError.of("header.num_lanes", header.num_lanes, f"1 to {MAX_LANES}")
