"""A writer's stream: header, blocks and named items in, progress out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heronry.replay.core.conditions import INSERTABLE, SAMPLEABLE
from heronry.replay.core.effects import BlockAccepted, BlockStored
from heronry.replay.core.lane_ends import LaneEnds, Lanes
from heronry.replay.core.priorities import check_priority, checked_priorities
from heronry.replay.core.selector import Priorities
from heronry.replay.core.signature import check_block, check_items
from heronry.replay.core.table import Table
from heronry.replay.core.windows import Appended
from heronry.replay.core.writers import PendingBlock, Writer
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import FailedPreconditionError, InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel, Block, ItemSlices

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
    """All blocks up to `accepted_sequence` are accepted; `credits` more may be under way.

    `position` is the log's after them: they have the table's level when the log up to there has it.
    """

    accepted_sequence: int
    level: AcknowledgementLevel
    credits: int
    position: int = 0


class AppendSession:
    """One connection of a writer.

    Blocks, and items over slices, come in the order of their sequence. A block is stored at once and
    accepted when its items are in the table; one that was accepted before is acknowledged and dropped. An
    append that must wait has stored its block and perhaps inserted some of its items: the same call again
    goes on from there, also on a later connection of the same writer. A connection's first block may leave a
    gap: the writer was acknowledged more than the table knows, which was restored as it was earlier.
    """

    def __init__(self, table: Table, header: AppendHeader, max_unanswered: int) -> None:
        """Prepare the stream; the writer may have `max_unanswered` blocks under way."""
        self._table = table
        self._header = header
        self._max_unanswered = max_unanswered
        self._opened: Writer | None = None
        self._ends: LaneEnds | None = None
        self._has_begun = False
        self._has_ended = False

    @property
    def progress(self) -> AppendProgress:
        """How far the writer has come."""
        accepted = 0 if self._opened is None else self._opened.accepted or 0
        level = self._table.definition.acknowledgement
        return AppendProgress(accepted, level, self._max_unanswered, self._table.changes.position)

    def open(self) -> AppendProgress:
        """Take the writer's place.

        Raises:
          SchemaMismatchError: the columns are not the table's.
          FencedError: a later start of the writer is known.
          InvalidArgumentError, ResourceExhaustedError: no writer id, lanes, or too many writers.
        """
        header = self._header
        _check_header(header)
        table = self._table
        table.declare_columns(header.columns)
        self._opened = table.open_writer(header.writer_id, header.writer_epoch, header.num_lanes, self)
        if table.drops_partial:
            self._ends = LaneEnds(table.definition.pattern.end_columns, header.num_lanes)
        table.commit()
        return self.progress

    def append(self, block: Block) -> Changed[AppendProgress]:
        """Store a block and insert its items.

        Raises:
          WouldBlock: the limiter lets no further item in now.
          SchemaMismatchError, InvalidArgumentError: the block does not fit; nothing was stored.
          ResourceExhaustedError: the byte budget or the disk is used up; nothing was stored.
          AbortedError: the writer is connected anew.
        """
        return self._accept(block.sequence, lambda: self._store(block))

    def append_items(self, items: ItemSlices) -> Changed[AppendProgress]:
        """Insert items over slices of steps that this connection stored.

        Raises:
          WouldBlock: the limiter lets no further item in now.
          InvalidArgumentError: an item does not fit, or the table makes its items itself; nothing was stored.
          AbortedError: the writer is connected anew.
        """
        return self._accept(items.sequence, lambda: self._store_items(items))

    def end(self) -> None:
        """Say that the writer has ended of its own will: episodes that go on are not lost ones."""
        self._has_ended = True

    def close(self) -> Changed[None]:
        """End the connection: the lanes end here, unfinished windows are dropped, the writer may come back."""
        writer = self._opened
        if writer is not None and writer.holder is self:
            self._table.lose_writer(writer, has_ended=self._has_ended)
        # Whoever withdrew while waiting is forgotten by it, and a lost episode may have made room.
        return Changed(None, INSERTABLE)

    @property
    def _writer(self) -> Writer:
        if self._opened is None:
            raise FailedPreconditionError("the stream is not open")
        self._opened.check_holder(self)
        return self._opened

    def _accept(self, sequence: int, store: Callable[[], None]) -> Changed[AppendProgress]:
        writer = self._writer
        self._table.changes.check_room()
        if writer.accepted is not None and sequence <= writer.accepted:
            return Changed(self.progress)
        before = self._finish_skipped(sequence)
        try:
            if writer.pending is None:
                self._check_next(sequence)
                store()
            self._has_begun = True
            accepted = self._insert(sequence)
        except WouldBlock as blocked:
            raise WouldBlock(
                blocked.condition, blocked.waiting, earliest_s=blocked.earliest_s, changed=blocked.changed | before
            ) from None
        return Changed(accepted.value, accepted.conditions | before)

    def _finish_skipped(self, sequence: int) -> frozenset[object]:
        """Insert what is left of a block that the writer was told to be accepted; return what that changed."""
        pending = self._writer.pending
        if pending is None or self._has_begun or sequence <= pending.sequence:
            return frozenset()
        return self._insert(pending.sequence).conditions

    def _store(self, block: Block) -> None:
        writer, table = self._writer, self._table
        check_block(block.columns, table.specs, block.num_steps, writer.num_lanes)
        if block.lane_ends is not None and block.lane_ends.shape != (writer.num_lanes,):
            raise InvalidArgumentError.of("block.lane_ends", block.lane_ends.shape, f"one a lane, {writer.num_lanes}")
        priorities = _block_priorities(block, writer.num_lanes)
        table.insertion.make_room(writer.strands, block.num_steps)
        stored = table.store.append(writer.strands, block.columns, block.num_steps, block.lane_ends)
        open_lanes, ended_lanes = self._follow_episodes(block, stored)
        table.changes.make(
            BlockStored(
                number=writer.number,
                sequence=block.sequence,
                version=block.behaviour_version,
                pieces=stored.pieces,
                windows=stored.windows,
                priorities=_item_priorities(priorities, stored),
                open_lanes=open_lanes,
                ended_lanes=ended_lanes,
            )
        )

    def _store_items(self, items: ItemSlices) -> None:
        writer, table = self._writer, self._table
        check_items(items, table.definition.pattern)
        priorities = None if items.priorities is None else checked_priorities(items.priorities, "items.priorities")
        lanes, starts, lengths = (np.asarray(a).astype(np.int64) for a in (items.lanes, items.starts, items.lengths))
        windows = table.store.slices(writer.strands, lanes, starts, lengths)
        open_lanes = None if self._ends is None else self._ends.open_lanes(starts + lengths - 1, lanes)
        table.changes.make(
            BlockStored(
                number=writer.number,
                sequence=items.sequence,
                version=items.behaviour_version,
                pieces=(),
                windows=windows,
                priorities=priorities,
                open_lanes=open_lanes,
            )
        )

    def _follow_episodes(self, block: Block, stored: Appended) -> tuple[Lanes | None, Lanes | None]:
        if self._ends is None:
            return None, None
        first = self._ends.num_steps
        ended = self._ends.see(block.columns, block.num_steps, block.lane_ends)
        return self._ends.open_lanes(first + stored.ends[:, 0], stored.ends[:, 1]), ended

    def _insert(self, sequence: int) -> Changed[AppendProgress]:
        writer, table = self._writer, self._table
        pending = writer.pending
        if pending is None or pending.sequence != sequence:
            raise _sequence_error(sequence, _pending_sequence(pending))
        has_inserted = table.insertion.insert_pending(writer)
        table.changes.make(BlockAccepted(writer.number, sequence))
        table.commit()
        return Changed(self.progress, SAMPLEABLE if has_inserted else frozenset())

    def _check_next(self, sequence: int) -> None:
        accepted = self._writer.accepted
        if accepted is not None and self._has_begun and sequence != accepted + 1:
            raise _sequence_error(sequence, accepted + 1)


def _block_priorities(block: Block, num_lanes: int) -> npt.NDArray[np.float32] | float | None:
    """Return `[T, N]` priorities, one for all items, or None for the running maximum."""
    if block.priorities is None:
        if block.priority is not None:
            check_priority("block.priority", block.priority)
        return block.priority
    if block.priorities.shape != (block.num_steps, num_lanes):
        got, allowed = list(block.priorities.shape), [block.num_steps, num_lanes]
        raise InvalidArgumentError.of("block.priorities", got, f"{allowed}, one a step and lane")
    flat = checked_priorities(block.priorities.reshape(-1), "block.priorities")
    return flat.reshape(block.num_steps, num_lanes)


def _item_priorities(priorities: npt.NDArray[np.float32] | float | None, stored: Appended) -> Priorities | None:
    if priorities is None:
        return None
    if isinstance(priorities, np.ndarray):
        return priorities[stored.ends[:, 0], stored.ends[:, 1]]
    return np.full(len(stored.windows), priorities, np.float32)


def _pending_sequence(pending: PendingBlock | None) -> int:
    return 0 if pending is None else pending.sequence


def _sequence_error(sequence: int, expected: int) -> InvalidArgumentError:
    return InvalidArgumentError.of("block.sequence", sequence, f"{expected}, or one accepted before")


def _check_header(header: AppendHeader) -> None:
    if not header.writer_id:
        raise InvalidArgumentError.of("header.writer_id", header.writer_id, "a name, not empty")
    if not 1 <= header.num_lanes <= MAX_LANES:
        raise InvalidArgumentError.of("header.num_lanes", header.num_lanes, f"1 to {MAX_LANES}")
