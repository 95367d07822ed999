"""The writers of a table: how far each has come, across reconnects."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from heronry.replay.core.strand import Rows, Strand
from heronry.types.errors import AbortedError, FencedError, InvalidArgumentError, ResourceExhaustedError
from heronry.types.version import ParameterVersion

MAX_WRITERS = 4096


@dataclass
class PendingBlock:
    """A block whose steps are stored and whose items are not all in the table yet."""

    sequence: int
    rows: Rows
    version: ParameterVersion
    priority: float | None


@dataclass
class Writer:
    """One writer's place.

    Attributes:
      accepted: all blocks up to this sequence are accepted; None before the first block, which may
        have any sequence: the service may have forgotten an earlier life of the writer.
      holder: the session that may append; None while the writer is away.
    """

    writer_id: str
    epoch: int
    num_lanes: int
    strands: Sequence[Strand]
    accepted: int | None = None
    pending: PendingBlock | None = None
    holder: object = field(default=None, repr=False)

    def check_holder(self, holder: object) -> None:
        """Refuse a session that another one has replaced.

        Raises:
          AbortedError: the writer is connected anew.
        """
        if self.holder is not holder:
            raise AbortedError(f"writer {self.writer_id!r} is connected anew: this stream is superseded")

    def cut(self) -> None:
        """End the lanes here; completed items stay, unfinished windows are dropped."""
        for strand in self.strands:
            strand.cut()


class Writers:
    """Remembers writers, open ones and, up to a bound, those that left, so that no block counts twice."""

    def __init__(self, max_writers: int = MAX_WRITERS) -> None:
        self._max_writers = max_writers
        self._writers: OrderedDict[str, Writer] = OrderedDict()
        self._num_open = 0

    @property
    def num_open(self) -> int:
        """Writers with a session."""
        return self._num_open

    def find(self, writer_id: str, epoch: int, num_lanes: int) -> Writer | None:
        """Return a known writer of this epoch; None for a new writer or a later epoch.

        Raises:
          FencedError: a later start of the writer is known.
          InvalidArgumentError: the same start had another number of lanes.
        """
        known = self._writers.get(writer_id)
        if known is None or known.epoch < epoch:
            return None
        if known.epoch > epoch:
            message = (
                f"writer_epoch: got {epoch}, allowed: at least {known.epoch} (writer {writer_id!r} was started again)"
            )
            details = {"field": "writer_epoch", "value": str(epoch), "allowed": f"at least {known.epoch}"}
            raise FencedError(message, details=details)
        if known.num_lanes != num_lanes:
            raise InvalidArgumentError.of("num_lanes", num_lanes, f"{known.num_lanes}, as before in epoch {epoch}")
        return known

    def add(self, writer: Writer) -> Rows:
        """Remember a writer and forget what it replaces; return the items that were not inserted yet.

        Raises:
          ResourceExhaustedError: as many writers as there may be are open.
        """
        dropped = self._forget(writer.writer_id)
        if len(self._writers) >= self._max_writers:
            away = next((w for w in self._writers.values() if w.holder is None), None)
            if away is None:
                raise ResourceExhaustedError(f"{self._max_writers} writers are open, the most a table takes")
            dropped += self._forget(away.writer_id)
        self._writers[writer.writer_id] = writer
        return np.concatenate([np.zeros(0, np.int64), *dropped])

    def attach(self, writer: Writer, holder: object) -> None:
        """Let a session append for a writer; a former session may not any more."""
        if writer.holder is not None:
            self.detach(writer, writer.holder)
        writer.holder = holder
        self._num_open += 1
        self._writers.move_to_end(writer.writer_id)

    def detach(self, writer: Writer, holder: object) -> None:
        """End a session; nothing happens when another one has replaced it."""
        if writer.holder is holder:
            writer.cut()
            writer.holder = None
            self._num_open -= 1

    def _forget(self, writer_id: str) -> list[Rows]:
        writer = self._writers.pop(writer_id, None)
        if writer is None:
            return []
        if writer.holder is not None:
            self.detach(writer, writer.holder)
        return [] if writer.pending is None else [writer.pending.rows]
