"""The writers of a table: how far each has come, across reconnects and restarts of the service."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import numpy.typing as npt

from heronry.replay.core.items import Keys
from heronry.replay.core.selector import Priorities
from heronry.replay.core.state import State, array_of, int_of, part_of
from heronry.replay.core.strand import Strand
from heronry.replay.core.windows import Windows
from heronry.types.errors import AbortedError, FencedError, InvalidArgumentError, ResourceExhaustedError
from heronry.types.version import ParameterVersion

MAX_WRITERS = 4096

_NO_KEYS = np.zeros(0, np.uint64)
_NO_LANES = np.zeros(0, np.int32)


@dataclass
class PendingBlock:
    """A block whose steps are stored and whose items are not all in the table yet.

    Attributes:
      windows: not inserted yet; they hold their steps.
      priorities: of their items; None: the running maximum when they are inserted.
      open_lanes: the lane of each window whose episode goes on, otherwise -1; None where nobody asks.
    """

    sequence: int
    windows: Windows
    version: ParameterVersion
    priorities: Priorities | None
    open_lanes: npt.NDArray[np.int32] | None = None

    def take(self, count: int) -> tuple[Windows, npt.NDArray[np.int32] | None]:
        """Remove the first windows and return them, with their lanes."""
        windows, self.windows = self.windows[:count], self.windows[count:]
        if self.priorities is not None:
            self.priorities = self.priorities[count:]
        lanes = None
        if self.open_lanes is not None:
            lanes, self.open_lanes = self.open_lanes[:count], self.open_lanes[count:]
        return windows, lanes

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Remove all windows but those chosen."""
        self.windows = self.windows[chosen]
        if self.priorities is not None:
            self.priorities = self.priorities[chosen]
        if self.open_lanes is not None:
            self.open_lanes = self.open_lanes[chosen]


@dataclass
class Writer:
    """One writer's place.

    Attributes:
      number: its name in the table's effects.
      accepted: all blocks up to this sequence are accepted; None before the first block, which may
        have any sequence: the service may have forgotten an earlier life of the writer.
      strands: its lanes; none until a session appends.
      holder: the session that may append; None while the writer is away.
      open_keys, open_lanes: of items in episodes that go on, where partial episodes are dropped.
    """

    number: int
    writer_id: str
    epoch: int
    num_lanes: int
    accepted: int | None = None
    pending: PendingBlock | None = None
    strands: Sequence[Strand] = ()
    holder: object = field(default=None, repr=False)
    open_keys: Keys = field(default_factory=_NO_KEYS.copy)
    open_lanes: npt.NDArray[np.int32] = field(default_factory=_NO_LANES.copy)

    def check_holder(self, holder: object) -> None:
        """Refuse a session that another one has replaced.

        Raises:
          AbortedError: the writer is connected anew.
        """
        if self.holder is not holder:
            raise AbortedError(f"writer {self.writer_id!r} is connected anew: this stream is superseded")

    def end_episodes(self, lanes: npt.NDArray[np.int32]) -> None:
        """Let go of the items of episodes that ended."""
        self.keep_open(~np.isin(self.open_lanes, lanes))

    def note_open(self, keys: Keys, lanes: npt.NDArray[np.int32]) -> None:
        """Remember items whose episode goes on; a lane of -1 is none."""
        is_open = lanes >= 0
        self.open_keys = np.concatenate([self.open_keys, keys[is_open]])
        self.open_lanes = np.concatenate([self.open_lanes, lanes[is_open]])

    def keep_open(self, chosen: npt.NDArray[np.bool_]) -> None:
        """Let go of all items of open episodes but those chosen."""
        self.open_keys, self.open_lanes = self.open_keys[chosen], self.open_lanes[chosen]

    def forget_open(self) -> None:
        """Let go of all open episodes; what of them is pending will be items like others."""
        self.open_keys, self.open_lanes = _NO_KEYS, _NO_LANES
        if self.pending is not None and self.pending.open_lanes is not None:
            self.pending.open_lanes = np.full_like(self.pending.open_lanes, -1)

    def cut(self) -> None:
        """End the lanes here; completed items stay, unfinished windows are dropped."""
        for strand in self.strands:
            strand.cut()


class Writers:
    """Remembers writers, open ones and, up to a bound, those that left, so that no block counts twice."""

    def __init__(self, max_writers: int = MAX_WRITERS) -> None:
        self._max_writers = max_writers
        self._writers: OrderedDict[str, Writer] = OrderedDict()
        self._by_number: dict[int, Writer] = {}
        self._num_open = 0
        self._next_number = 1

    @property
    def num_open(self) -> int:
        """Writers with a session."""
        return self._num_open

    @property
    def next_number(self) -> int:
        """Number of the next new writer."""
        return self._next_number

    def __iter__(self) -> Iterator[Writer]:
        return iter(list(self._writers.values()))

    def of(self, number: int) -> Writer:
        """Return a writer by its number."""
        return self._by_number[number]

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

    def displaced_by(self, writer_id: str) -> list[Writer]:
        """Return the writers that a new start of a writer makes the table forget.

        Raises:
          ResourceExhaustedError: as many writers as there may be are open.
        """
        former = self._writers.get(writer_id)
        displaced = [] if former is None else [former]
        if len(self._writers) - len(displaced) >= self._max_writers:
            away = next((w for w in self._writers.values() if w.holder is None and w is not former), None)
            if away is None:
                raise ResourceExhaustedError(f"{self._max_writers} writers are open, the most a table takes")
            displaced.append(away)
        return displaced

    def add(self, number: int, writer_id: str, epoch: int, num_lanes: int) -> Writer:
        """Remember a new start of a writer."""
        writer = Writer(number, writer_id, epoch, num_lanes)
        self._writers[writer_id] = self._by_number[number] = writer
        self._next_number = number + 1
        return writer

    def remove(self, writer: Writer) -> None:
        """Forget a writer that has no session."""
        del self._writers[writer.writer_id], self._by_number[writer.number]

    def attach(self, writer: Writer, holder: object) -> None:
        """Let a session append for a writer that is away."""
        writer.holder = holder
        self._num_open += 1

    def detach(self, writer: Writer) -> None:
        """End a session: the lanes end here."""
        writer.cut()
        writer.holder = None
        self._num_open -= 1

    def use(self, writer: Writer) -> None:
        """Make a writer the last one to be forgotten."""
        self._writers.move_to_end(writer.writer_id)

    def state(self) -> State:
        """Return all that `restore` needs; sessions and lanes end with the service."""
        return {
            "next_number": self._next_number,
            "order": [w.number for w in self._writers.values()],
            "writers": {str(w.number): _writer_state(w) for w in self._writers.values()},
        }

    def restore(self, state: State) -> None:
        """Become what `state` was taken of."""
        self._writers.clear()
        self._by_number.clear()
        for number in cast("list[int]", state["order"]):
            writer = _writer_of(part_of(part_of(state, "writers"), str(number)))
            self._writers[writer.writer_id] = self._by_number[writer.number] = writer
        self._next_number = int_of(state, "next_number")


def _writer_state(writer: Writer) -> State:
    pending = writer.pending
    return {
        "number": writer.number,
        "writer_id": writer.writer_id,
        "epoch": writer.epoch,
        "num_lanes": writer.num_lanes,
        "accepted": writer.accepted,
        "open_keys": writer.open_keys,
        "open_lanes": writer.open_lanes,
        "pending": None if pending is None else _pending_state(pending),
    }


def _pending_state(pending: PendingBlock) -> State:
    return {
        "sequence": pending.sequence,
        "version": [pending.version.epoch, pending.version.number],
        "rows": pending.windows.rows,
        "lengths": pending.windows.lengths,
        "leads": pending.windows.leads,
        "priorities": pending.priorities,
        "open_lanes": pending.open_lanes,
    }


def _writer_of(state: State) -> Writer:
    number, num_lanes, epoch = (int_of(state, name) for name in ("number", "num_lanes", "epoch"))
    writer = Writer(number, cast("str", state["writer_id"]), epoch, num_lanes)
    writer.accepted = cast("int | None", state["accepted"])
    writer.open_keys = array_of(state, "open_keys").astype(np.uint64)
    writer.open_lanes = array_of(state, "open_lanes").astype(np.int32)
    if state["pending"] is not None:
        writer.pending = _pending_of(part_of(state, "pending"))
    return writer


def _pending_of(state: State) -> PendingBlock:
    epoch, number = cast("list[int]", state["version"])
    rows = array_of(state, "rows").astype(np.int64)
    lengths = cast("npt.NDArray[np.uint16] | None", state["lengths"])
    leads = cast("npt.NDArray[np.uint8] | None", state["leads"])
    return PendingBlock(
        sequence=int_of(state, "sequence"),
        windows=Windows(rows, lengths, leads),
        version=ParameterVersion(epoch, number),
        priorities=cast("Priorities | None", state["priorities"]),
        open_lanes=cast("npt.NDArray[np.int32] | None", state["open_lanes"]),
    )
