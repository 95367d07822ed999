"""How a table makes items of a lane's steps, and columns of a batch of an item's window."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import check_type, checked_name, checked_names, checked_sequence, whole_number

MAX_WINDOW = 65_535
MAX_STACK = 64


class EpisodeEnd(enum.Enum):
    """What a window does at the end of an episode.

    CROSS: goes on into the next one. DROP: is not made when it would cross. SHORTEN: ends there; batches
    are padded with zeros and carry the number of valid steps. An end that the writer itself tells is never
    crossed: under CROSS windows are dropped there.
    """

    CROSS = "cross"
    DROP = "drop"
    SHORTEN = "shorten"


class StackStart(enum.Enum):
    """What stands before an episode's first step in a stack: that step again, or zeros."""

    REPEAT = "repeat"
    ZERO = "zero"


@dataclass(frozen=True)
class PatternColumn:
    """One column of a batch, made of steps of an item's window.

    Attributes:
      column: of the table.
      output: name in the batch; empty: the column's.
      start: first step, relative to the window's first.
      stop: one past the last step; None: the window's end.
      squeeze: drops the time axis of a column of one step. In a window that was shortened, a step past
        its end is the last one.
      stack: values stacked a step, itself and those before it in its episode, oldest first, on an axis
        of their own before the column's shape; 1: no such axis.
      stack_start: what stands before the episode's first step.
    """

    column: str
    output: str = ""
    start: int = 0
    stop: int | None = None
    squeeze: bool = False
    stack: int = 1
    stack_start: StackStart = StackStart.REPEAT

    @property
    def name(self) -> str:
        """Name in the batch."""
        return self.output or self.column

    def __post_init__(self) -> None:
        checked_name("pattern.columns.column", self.column, "a column's name, not empty")
        check_type("pattern.columns.output", self.output, str, "a name; empty: the column's")
        field = f"pattern.columns.{self.name}"
        object.__setattr__(self, "start", whole_number(f"{field}.start", self.start))
        if self.stop is not None:
            object.__setattr__(self, "stop", whole_number(f"{field}.stop", self.stop, note=", or none"))
            if self.stop <= self.start:
                raise InvalidArgumentError.of(f"{field}.stop", self.stop, f"above start, {self.start}, or none")
        check_type(f"{field}.squeeze", self.squeeze, bool)
        object.__setattr__(self, "stack", whole_number(f"{field}.stack", self.stack, 1, MAX_STACK))
        check_type(f"{field}.stack_start", self.stack_start, StackStart)


@dataclass(frozen=True)
class Pattern:
    """Makes items of `num_steps` consecutive steps of a lane, one every `period` steps.

    Attributes:
      num_steps: steps of an item; the most, where items are shortened or explicit.
      period: steps from one item's start to the next one's; 0: writers make the items themselves, each
        over a slice that they name.
      columns: of a batch; empty: all columns of the table over the whole window.
      episode_end: what a window does at an episode's end.
      end_columns: boolean columns any of which is true on an episode's last step.
      min_steps: fewest steps of a shortened item.
    """

    num_steps: int = 1
    period: int = 1
    columns: tuple[PatternColumn, ...] = ()
    episode_end: EpisodeEnd = EpisodeEnd.CROSS
    end_columns: tuple[str, ...] = ()
    min_steps: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "num_steps", whole_number("pattern.num_steps", self.num_steps, 1, MAX_WINDOW))
        period = whole_number("pattern.period", self.period, note="; 0 is for explicit items")
        object.__setattr__(self, "period", period)
        min_steps = whole_number("pattern.min_steps", self.min_steps, 1, self.num_steps, ", num_steps")
        object.__setattr__(self, "min_steps", min_steps)
        object.__setattr__(self, "columns", checked_sequence("pattern.columns", self.columns, PatternColumn))
        object.__setattr__(self, "end_columns", checked_names("pattern.end_columns", self.end_columns))
        check_type("pattern.episode_end", self.episode_end, EpisodeEnd)
        names = [c.name for c in self.columns]
        if len(set(names)) != len(names):
            raise InvalidArgumentError.of("pattern.columns", names, "each output once")
        for column in self.columns:
            self._check_column(column)

    @property
    def has_lengths(self) -> bool:
        """Whether items differ in length."""
        return self.period == 0 or self.episode_end is EpisodeEnd.SHORTEN

    @property
    def max_stack(self) -> int:
        """Most values stacked in any column."""
        return max((c.stack for c in self.columns), default=1)

    @classmethod
    def n_step(
        cls,
        num_steps: int,
        *,
        observation: str = "observation",
        each: Sequence[str] = ("action", "reward", "terminated", "truncated"),
        end_columns: Sequence[str] = ("terminated", "truncated"),
        stack: int = 1,
    ) -> Self:
        """Return transitions over n steps: the observations at t and t + n, and `each` at t to t + n - 1.

        The next observation is named `next_<observation>`; a window that reaches an episode's end stops there.
        """
        # An item has one step more than the transition.
        num_steps = whole_number("pattern.num_steps", num_steps, 1, MAX_WINDOW - 1)
        each = checked_names("pattern.each", each)
        columns = (
            PatternColumn(observation, stop=1, squeeze=True, stack=stack),
            *(PatternColumn(name, stop=num_steps) for name in each),
            PatternColumn(observation, f"next_{observation}", num_steps, num_steps + 1, squeeze=True, stack=stack),
        )
        return cls(num_steps + 1, 1, columns, EpisodeEnd.SHORTEN, checked_names("pattern.end_columns", end_columns))

    @classmethod
    def sequences(
        cls,
        num_steps: int,
        period: int,
        *,
        columns: Sequence[str],
        stored_state: Sequence[str] = (),
        end_columns: Sequence[str] = ("terminated", "truncated"),
        min_steps: int = 1,
    ) -> Self:
        """Return sequences that end with their episode; of `stored_state` columns only the first step comes along."""
        made = [PatternColumn(name) for name in checked_names("pattern.columns", columns)]
        stored = checked_names("pattern.stored_state", stored_state)
        made += [PatternColumn(name, stop=1, squeeze=True) for name in stored]
        ends = checked_names("pattern.end_columns", end_columns)
        return cls(num_steps, period, tuple(made), EpisodeEnd.SHORTEN, ends, min_steps)

    def _check_column(self, column: PatternColumn) -> None:
        field = f"pattern.columns.{column.name}"
        stop = self.num_steps if column.stop is None else column.stop
        if not column.start < stop <= self.num_steps:
            allowed = f"start {column.start} < stop <= num_steps, {self.num_steps}"
            raise InvalidArgumentError.of(f"{field}.stop", stop, allowed)
        if column.squeeze and stop - column.start != 1:
            raise InvalidArgumentError.of(f"{field}.squeeze", f"{stop - column.start} steps", "columns of one step")


ONE_STEP = Pattern()
"""Every step is an item."""
