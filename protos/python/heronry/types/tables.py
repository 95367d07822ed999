"""Declarations of replay tables; their ranges are checked when they are made."""

import enum
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Self

from heronry.types.blocking import Waiting
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.field_checks import (
    check_type,
    checked_name,
    checked_names,
    checked_sequence,
    finite_number,
    whole_number,
)
from heronry.types.patterns import ONE_STEP, Pattern

_UNBOUNDED = sys.float_info.max
MAX_TABLE_NAME_BYTES = 200
_MAX_SHOWN = 80


class SelectorKind(enum.Enum):
    """Chooses items, to serve or to evict."""

    FIFO = "fifo"
    UNIFORM = "uniform"
    PRIORITIZED = "prioritized"
    LIFO = "lifo"
    MIN_HEAP = "min_heap"
    MAX_HEAP = "max_heap"


@dataclass(frozen=True)
class Selector:
    """A kind with its settings; `priority_exponent` is alpha of prioritised selection."""

    kind: SelectorKind
    priority_exponent: float = 0.0

    def __post_init__(self) -> None:
        check_type("selector.kind", self.kind, SelectorKind)
        exponent = finite_number("selector.priority_exponent", self.priority_exponent)
        if exponent < 0:
            raise InvalidArgumentError.of("selector.priority_exponent", self.priority_exponent, "at least 0, finite")
        object.__setattr__(self, "priority_exponent", exponent)

    @classmethod
    def fifo(cls) -> Self:
        """Choose the oldest item."""
        return cls(SelectorKind.FIFO)

    @classmethod
    def uniform(cls) -> Self:
        """Choose any item with equal probability."""
        return cls(SelectorKind.UNIFORM)

    @classmethod
    def lifo(cls) -> Self:
        """Choose the newest item."""
        return cls(SelectorKind.LIFO)

    @classmethod
    def min_heap(cls) -> Self:
        """Choose the item of lowest priority; of equals, the least recently inserted or updated."""
        return cls(SelectorKind.MIN_HEAP)

    @classmethod
    def max_heap(cls) -> Self:
        """Choose the item of highest priority; of equals, the least recently inserted or updated."""
        return cls(SelectorKind.MAX_HEAP)

    @classmethod
    def prioritized(cls, priority_exponent: float) -> Self:
        """Choose in proportion to priority ** priority_exponent."""
        return cls(SelectorKind.PRIORITIZED, priority_exponent)


@dataclass(frozen=True)
class RateLimiter:
    """Bounds `inserts * samples_per_insert - samples` from both sides.

    Sampling n needs `inserts - deletes >= min_size` and the difference less n at `min_diff` or above;
    inserting n needs `inserts + n - deletes <= min_size` or the difference after it at `max_diff` or below.
    """

    samples_per_insert: float
    min_size: int
    min_diff: float
    max_diff: float

    def __post_init__(self) -> None:
        for name in ("samples_per_insert", "min_diff", "max_diff"):
            object.__setattr__(self, name, finite_number(f"rate_limiter.{name}", getattr(self, name)))
        if self.samples_per_insert <= 0:
            raise InvalidArgumentError.of("rate_limiter.samples_per_insert", self.samples_per_insert, "above 0")
        object.__setattr__(self, "min_size", whole_number("rate_limiter.min_size", self.min_size, 1))
        _check_width(self, self._least_width())
        # Once min_size items are in and inserting has stopped, sampling could never start.
        if self.min_diff > self.samples_per_insert * self.min_size:
            bound = self.samples_per_insert * self.min_size
            raise InvalidArgumentError.of(
                "rate_limiter.min_diff", self.min_diff, f"at most samples_per_insert * min_size = {bound:g}"
            )

    def _least_width(self) -> float:
        """Return the least `max_diff - min_diff` with which a table always lets in or out.

        With `min_size` items in, neither side moves while the difference d has `d - 1 < min_diff` and
        `d + samples_per_insert > max_diff`: while it is in the open interval
        (max_diff - samples_per_insert, min_diff + 1), which is empty from a width of 1 + samples_per_insert on.
        Where all three are whole numbers d is one too, and an interval of length 1 between whole numbers holds
        none: samples_per_insert suffices, as for a queue of one item.
        """
        numbers = (self.samples_per_insert, self.min_diff, self.max_diff)
        is_whole = all(float(number).is_integer() for number in numbers)
        return self.samples_per_insert if is_whole else 1.0 + self.samples_per_insert

    @classmethod
    def of_min_size(cls, min_size: int) -> Self:
        """Hold samplers back until `min_size` items are in; no bound otherwise."""
        return cls(1.0, min_size, -_UNBOUNDED, _UNBOUNDED)

    @classmethod
    def sample_to_insert_ratio(
        cls, samples_per_insert: float, min_size: int, error_buffer: float | tuple[float, float]
    ) -> Self:
        """Hold the ratio within `error_buffer` around its value at `min_size`; a pair is taken as it is."""
        if isinstance(error_buffer, tuple):
            if len(error_buffer) != 2:
                raise InvalidArgumentError.of("rate_limiter.error_buffer", error_buffer, "a number, or a pair of them")
            made = cls(samples_per_insert, min_size, *error_buffer)
        else:
            samples_per_insert = finite_number("rate_limiter.samples_per_insert", samples_per_insert)
            offset = samples_per_insert * whole_number("rate_limiter.min_size", min_size, 1)
            error_buffer = finite_number("rate_limiter.error_buffer", error_buffer)
            made = cls(samples_per_insert, min_size, offset - error_buffer, offset + error_buffer)
        # An insert and a sample fit on each side of the middle: as Reverb has it, more than it takes to go on.
        _check_width(made, 2 * max(1.0, samples_per_insert))
        return made

    @classmethod
    def queue(cls, size: int) -> Self:
        """Let at most `size` items wait; use with FIFO selectors and `max_times_sampled` 1."""
        return cls(1.0, 1, 0.0, float(whole_number("rate_limiter.size", size, 1)))

    @classmethod
    def stack(cls, size: int) -> Self:
        """Let at most `size` items wait; use with LIFO selectors and `max_times_sampled` 1."""
        return cls(1.0, 1, 0.0, float(whole_number("rate_limiter.size", size, 1)))


def _check_width(limiter: RateLimiter, width: float) -> None:
    if limiter.max_diff - limiter.min_diff < width:
        allowed = f"at least min_diff + {width:g} = {limiter.min_diff + width:g}"
        raise InvalidArgumentError.of("rate_limiter.max_diff", limiter.max_diff, allowed)


class Delivery(enum.Enum):
    """What becomes of a sampled batch whose reader is lost."""

    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"


class PartialEpisodes(enum.Enum):
    """What becomes of an episode whose writer is lost before its end."""

    KEEP = "keep"
    DROP = "drop"


_COUNTS = (
    ("max_size", 1, ""),
    ("max_times_sampled", 0, ""),
    ("seed", 0, ""),
    ("max_bytes", 0, "; 0 is no bound"),
)
_KINDS: dict[str, type] = {
    "sampler": Selector,
    "remover": Selector,
    "rate_limiter": RateLimiter,
    "pattern": Pattern,
    "acknowledgement": AcknowledgementLevel,
    "delivery": Delivery,
    "partial_episodes": PartialEpisodes,
    "spill": bool,
}


def _check_table(name: str) -> None:
    allowed = f"a name of 1 to {MAX_TABLE_NAME_BYTES} bytes of UTF-8 without control characters"
    checked_name("definition.table", name, allowed)
    # Surrogates have no UTF-8; controls would break lines of logs and metrics.
    is_clean = not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    if not is_clean or len(name.encode()) > MAX_TABLE_NAME_BYTES:
        raise InvalidArgumentError.of("definition.table", name, allowed)


@dataclass(frozen=True)
class TableDefinition:
    """A table.

    Attributes:
      max_size: most items held.
      max_times_sampled: times an item is served before it is dropped; 0: no limit.
      max_lag: versions an item's behaviour may lie behind the newest seen; None: no bound.
      acknowledgement: what an accepted block survives.
      columns: empty: taken from the first writer.
      seed: of the selectors.
      max_bytes: most bytes of steps held, items are evicted to stay within; 0: the service's bound alone.
      compressed_columns: stored with LZ4, value by value; worth it for images.
      spill: whether steps may leave memory for a file when they are cold; always so at PROCESS and DISK.
    """

    table: str
    sampler: Selector
    remover: Selector
    rate_limiter: RateLimiter
    max_size: int
    max_times_sampled: int = 0
    max_lag: int | None = None
    pattern: Pattern = ONE_STEP
    acknowledgement: AcknowledgementLevel = AcknowledgementLevel.MEMORY
    delivery: Delivery = Delivery.AT_MOST_ONCE
    columns: tuple[ColumnSpec, ...] = ()
    seed: int = 0
    max_bytes: int = 0
    partial_episodes: PartialEpisodes = PartialEpisodes.KEEP
    compressed_columns: tuple[str, ...] = ()
    spill: bool = False

    def __post_init__(self) -> None:
        _check_table(self.table)
        for name, minimum, note in _COUNTS:
            value = getattr(self, name)
            object.__setattr__(self, name, whole_number(f"definition.{name}", value, minimum, note=note))
        if self.max_lag is not None:
            max_lag = whole_number("definition.max_lag", self.max_lag, note=", or absent")
            object.__setattr__(self, "max_lag", max_lag)
        for name, kind in _KINDS.items():
            check_type(f"definition.{name}", getattr(self, name), kind)
        columns = checked_sequence("definition.columns", self.columns, ColumnSpec)
        object.__setattr__(self, "columns", columns)
        compressed = checked_names("definition.compressed_columns", self.compressed_columns)
        object.__setattr__(self, "compressed_columns", compressed)
        paths = [c.path for c in self.columns]
        if len(set(paths)) != len(paths):
            raise InvalidArgumentError.of("definition.columns", paths, "each path once")

    def differences(self, other: Self) -> tuple[str, ...]:
        """Return how this definition differs from another: `max_size is 10, not 20`, field by field."""
        return tuple(_differences("", self, other))

    @classmethod
    def queue(cls, table: str, *, size: int, pattern: Pattern, max_lag: int | None = None) -> Self:
        """Return an on-policy queue: every item is served once, oldest first."""
        fifo = Selector.fifo()
        return cls(table, fifo, fifo, RateLimiter.queue(size), size, 1, max_lag, pattern)


def _differences(prefix: str, have: object, other: object) -> Iterator[str]:
    for name in (f.name for f in fields(have)):  # type: ignore[arg-type]  # a dataclass, by the callers
        ours, theirs = getattr(have, name), getattr(other, name)
        if is_dataclass(ours):
            yield from _differences(f"{prefix}{name}.", ours, theirs)
        elif ours != theirs:
            yield f"{prefix}{name} is {_shown(ours)}, not {_shown(theirs)}"


def _shown(value: object) -> str:
    text = str(value.value) if isinstance(value, enum.Enum) else repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


@dataclass(frozen=True)
class TableInfo:
    """A table's definition, counters since the last reset, and who waits for what.

    Attributes:
      num_bytes: of the steps as they are stored.
      num_step_bytes: of the steps as writers sent them.
      num_lagging: items dropped for their lag.
      num_ignored: priority updates and deletes whose key was gone.
      num_recovered: items found in the table's folder when the service started.
      mass: sum of all weights of the sampler.
      shard: number in the keys of its items.
      durable_position: log position up to which changes survive what the table's level promises.
    """

    definition: TableDefinition
    num_items: int = 0
    num_bytes: int = 0
    num_inserts: int = 0
    num_samples: int = 0
    num_deletes: int = 0
    num_lagging: int = 0
    num_writers: int = 0
    waiting: tuple[Waiting, ...] = ()
    num_step_bytes: int = 0
    num_ignored: int = 0
    num_recovered: int = 0
    mass: float = 0.0
    shard: int = 0
    durable_position: int = 0
