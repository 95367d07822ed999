"""What changes a table, as records: applied in their order they make an equal table.

An effect names what came out of a decision - slots, rows, who was evicted, the random state afterwards - and
never what led to it: applying one decides nothing, so that a recovered table is the one that was served.
Slots are int64 and priorities as the items hold them, float32. `rng` is the state of the table's generator
after the decision, absent where it drew nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from heronry.replay.core.windows import Pieces, Windows
from heronry.types.columns import ColumnSpec
from heronry.types.tables import RateLimiter
from heronry.types.version import ParameterVersion

Slots = npt.NDArray[np.int64]
ItemPriorities = npt.NDArray[np.float32]
RngState = Mapping[str, object]
"""`bit_generator.state` of a NumPy generator; plain integers and strings."""


@dataclass(frozen=True, slots=True)
class ColumnsDeclared:
    """The table learnt its columns, which it keeps for good."""

    specs: tuple[ColumnSpec, ...]


@dataclass(frozen=True, slots=True)
class WriterOpened:
    """A start of a writer became known; `number` is its name in other effects, from 1, never used again."""

    number: int
    writer_id: str
    epoch: int
    num_lanes: int


@dataclass(frozen=True, slots=True)
class WriterForgotten:
    """A writer was forgotten; windows of its pending block that were not inserted are let go."""

    number: int


@dataclass(frozen=True, slots=True)
class BlockStored:
    """A writer's block is in the step store, its windows pending until the limiter lets them in.

    Attributes:
      number: of the writer; 0 for steps of an import, which leave nothing pending.
      pieces: where the steps lie; of no step where items were named explicitly.
      windows: that the block completes, in the order of their insertion.
      priorities: of the windows' items; None: the running maximum when they are inserted.
      open_lanes: where partial episodes are dropped, `[K]` int32: the window's lane while its episode goes on
        after the block, or -1; otherwise None.
      ended_lanes: where partial episodes are dropped, lanes with an episode's end in the block; otherwise None.
    """

    number: int
    sequence: int
    version: ParameterVersion
    pieces: Pieces
    windows: Windows
    priorities: ItemPriorities | None = None
    open_lanes: npt.NDArray[np.int32] | None = None
    ended_lanes: npt.NDArray[np.int32] | None = None


@dataclass(frozen=True, slots=True)
class BlockAccepted:
    """All items of a writer's pending block are in."""

    number: int
    sequence: int


@dataclass(frozen=True, slots=True)
class ItemsInserted:
    """The next windows of a writer's pending block became items, then others were evicted.

    Attributes:
      number: of the writer; 0 for an import.
      slots: of the items, in the order of their insertion.
      evicted: slots, which may be among `slots`.
      windows: of an import's items; None: taken from the pending block.
      times_sampled: of an import's items; None: 0.
    """

    number: int
    slots: Slots
    priorities: ItemPriorities
    version: ParameterVersion
    evicted: Slots
    windows: Windows | None = None
    times_sampled: npt.NDArray[np.uint32] | None = None
    rng: RngState | None = None


@dataclass(frozen=True, slots=True)
class ItemsSampled:
    """Items were drawn.

    Attributes:
      slots: in their order, with repeats, those of lagging items included.
      retired: served as often as they may; each once. A table that keeps leases holds them back until the
        lease ends, another one has dropped them.
      lagging: dropped for their lag, each once; none of them is among `retired`.
    """

    slots: Slots
    retired: Slots
    lagging: Slots
    rng: RngState | None = None


@dataclass(frozen=True, slots=True)
class LeasesSettled:
    """Batches were acknowledged: the items that they used up are gone."""

    retired: Slots


@dataclass(frozen=True, slots=True)
class LeasesReturned:
    """Unacknowledged batches went back.

    Attributes:
      retired: slots that come next again, oldest insertion first.
      sampled: slots of the batches' items that are there, with repeats: each was sampled once less.
      num_samples: samples taken back, of items that are gone too.
    """

    retired: Slots
    sampled: Slots
    num_samples: int


@dataclass(frozen=True, slots=True)
class PrioritiesUpdated:
    """Priorities changed, in their order; a slot may come twice. `num_ignored` keys were gone."""

    slots: Slots
    priorities: ItemPriorities
    num_ignored: int = 0


@dataclass(frozen=True, slots=True)
class ItemsDeleted:
    """Items went, asked for, evicted for their bytes or dropped with their episode. `num_ignored` keys were gone."""

    slots: Slots
    num_ignored: int = 0
    rng: RngState | None = None


@dataclass(frozen=True, slots=True)
class LimiterSet:
    """The rate limiter changed; its counters stay."""

    settings: RateLimiter


@dataclass(frozen=True, slots=True)
class ExponentSet:
    """Alpha of the prioritised selectors changed."""

    priority_exponent: float


@dataclass(frozen=True, slots=True)
class TableReset:
    """All items went, leased ones included, and the counters are zero."""


@dataclass(frozen=True, slots=True)
class LanesCut:
    """A writer's lanes end here without an episode's end: unfinished windows are dropped.

    Where `drops_open`, the items of its open episodes go too, those that are pending with them.
    """

    number: int
    drops_open: bool = False


Effect = (
    ColumnsDeclared
    | WriterOpened
    | WriterForgotten
    | BlockStored
    | BlockAccepted
    | ItemsInserted
    | ItemsSampled
    | LeasesSettled
    | LeasesReturned
    | PrioritiesUpdated
    | ItemsDeleted
    | LimiterSet
    | ExponentSet
    | TableReset
    | LanesCut
)


class Journal(Protocol):
    """Takes a table's effects in their order; called by the table's owner alone."""

    def note(self, effect: Effect) -> None:
        """Keep an effect in memory until the next commit; never blocks, and copies no array."""
        ...

    def commit(self) -> int:
        """Hand all that was noted to the operating system and return the log's position after it."""
        ...

    def sync(self) -> int:
        """Return when all that was committed has the table's level, which may take a while; up to which position."""
        ...

    def check_room(self) -> None:
        """Refuse what would add to the table while the log could not tell it.

        Raises:
          ResourceExhaustedError: the disk is full or failed.
        """
        ...
