"""Batches drawn from several tables, each item from one of them by weight."""

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, TypeVar

import numpy as np

from heronry.replay.batch_source import Inbox, is_short
from heronry.replay.core.batch_buffer import PROBABILITY, BatchBuffer, BatchLayout, NewBuffer
from heronry.replay.core.conditions import INSERTABLE, Condition
from heronry.replay.core.drawing import Drawing
from heronry.replay.core.sample_session import Acknowledge, CreditAccount, Credits
from heronry.replay.core.table import Table
from heronry.replay.hosts import TableHost
from heronry.replay.told_waits import Tell, told_why
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.columns import ColumnSpec
from heronry.types.errors import InvalidArgumentError, SchemaMismatchError

T = TypeVar("T")

MAX_SHARES: Final = 64


def share_probabilities(weights: Sequence[float]) -> list[float]:
    """Return each table's probability.

    Raises:
      InvalidArgumentError: no weights, too many, or one that is not above 0.
    """
    if not 1 <= len(weights) <= MAX_SHARES:
        raise InvalidArgumentError.of("header.shares", f"{len(weights)} tables", f"1 to {MAX_SHARES}")
    for index, weight in enumerate(weights):
        if not (math.isfinite(weight) and weight > 0):
            raise InvalidArgumentError.of(f"header.shares[{index}].weight", weight, "above 0, finite")
    total = math.fsum(weights)
    return [weight / total for weight in weights]


@dataclass
class Share:
    """One table's part: its draws, and the rows of the batch under way that are its own."""

    host: TableHost
    drawing: Drawing
    probability: float
    at: int = 0
    count: int = 0
    filled: int = 0

    def layout(self, table: Table) -> Changed[BatchLayout]:
        """Return what a batch is made of; waits until the table knows its columns."""
        layout = self.drawing.layout
        if layout is None:
            raise WouldBlock(Condition.CAN_SAMPLE, table.contents.limiter.sample_waiting())
        return Changed(layout)

    def begin(self, at: int, count: int) -> None:
        """Take `count` rows of the next batch from `at` on."""
        self.at, self.count, self.filled = at, count, 0

    def fill(self, buffer: BatchBuffer) -> Changed[int]:
        """Fill the rows that are missing and return the table's size; goes on from there after a wait."""
        changed: frozenset[Condition] = frozenset()
        while self.filled < self.count:
            at = self.at + self.filled
            try:
                done = self.drawing.fill(buffer, at, self.count - self.filled).value
            except WouldBlock as blocked:
                raise WouldBlock(blocked.condition, blocked.waiting, changed=changed | blocked.changed) from None
            probabilities = buffer.facts[PROBABILITY][at : at + done]
            np.multiply(probabilities, self.probability, out=probabilities)
            self.filled += done
            changed = INSERTABLE
        return Changed(self.drawing.table_size, changed)


class SharesSource:
    """Draws from several tables: a batch is split by a multinomial draw, its parts are filled one by one.

    Items of a table stand together. A part that must wait keeps what the others have filled.
    """

    def __init__(
        self, shares: Sequence[Share], batch_size: int, rng: np.random.Generator, new_buffer: NewBuffer, period_s: float
    ) -> None:
        self._shares = shares
        self._batch_size = batch_size
        self._rng = rng
        self._new_buffer = new_buffer
        self._period_s = period_s
        self._account = CreditAccount()
        self._layout: BatchLayout | None = None
        self._buffer: BatchBuffer | None = None

    @property
    def may_collect(self) -> bool:
        """Whether there is a credit, and room for another lease in every table."""
        return self._account.has_credit and all(share.drawing.may_draw for share in self._shares)

    async def advance(self, inbox: Inbox, num_bytes: int, max_batches: int, tell: Tell) -> Sequence[BatchBuffer]:
        """Take what came in and return the next batch; one at a time."""
        await self._receive(inbox)
        if not self.may_collect:
            return ()
        layout = self._layout or await self._common_layout(tell)
        buffer = self._buffer or self._begin(layout)
        table_size = 0
        for share in self._shares:
            table_size += await self._fill(share, buffer, num_bytes, tell)
        batch_id = self._account.spend()
        buffer.seal(batch_id, table_size)
        for share in self._shares:
            await share.host.call(share.drawing.end_batch, batch_id)
        self._buffer = None
        return (buffer,)

    async def close(self, inbox: Inbox) -> None:
        """Give back what is leased or half drawn."""
        # The reader is gone: its mistakes concern nobody any more.
        with contextlib.suppress(InvalidArgumentError):
            await self._receive(inbox)
        for share in self._shares:
            await share.host.finish(share.drawing.close)

    async def _receive(self, inbox: Inbox) -> None:
        done = 0
        while inbox:
            match inbox.popleft():
                case Credits(num_batches):
                    self._account.grant(num_batches)
                case Acknowledge(batch_id):
                    self._account.check_sent(batch_id)
                    done = max(done, batch_id)
        if done:
            for share in self._shares:
                await share.host.call(share.drawing.acknowledge, done)

    async def _common_layout(self, tell: Tell) -> BatchLayout:
        layouts = [await self._changed(share, tell, share.layout, share.host.table) for share in self._shares]
        for share, layout in zip(self._shares, layouts, strict=True):
            if layout != layouts[0]:
                name = share.host.declared.table
                first = self._shares[0].host.declared.table
                got, expected = _first_difference(layout, layouts[0])
                raise SchemaMismatchError.of(f"shares.{name}", got, f"{expected}, as of {first!r}")
        self._layout = layouts[0]
        return layouts[0]

    def _begin(self, layout: BatchLayout) -> BatchBuffer:
        self._buffer = self._new_buffer(layout)
        counts = self._rng.multinomial(self._batch_size, [share.probability for share in self._shares])
        at = 0
        for share, count in zip(self._shares, counts.tolist(), strict=True):
            share.begin(at, count)
            at += count
        return self._buffer

    async def _fill(self, share: Share, buffer: BatchBuffer, num_bytes: int, tell: Tell) -> int:
        changed = share.host.attempt(share.fill, buffer) if is_short(share.host, num_bytes) else None
        return await self._changed(share, tell, share.fill, buffer) if changed is None else changed.value

    async def _changed(self, share: Share, tell: Tell, function: Callable[..., Changed[T]], *args: object) -> T:
        return await told_why(share.host.change(function, *args), share.host, "sample", self._period_s, tell)


def _first_difference(layout: BatchLayout, other: BatchLayout) -> tuple[str, str]:
    """Return the first column that differs, as each of two layouts has it."""
    pairs = zip_longest((*layout.columns, *layout.facts), (*other.columns, *other.facts))
    got, expected = next(pair for pair in pairs if pair[0] != pair[1])
    return _described(got), _described(expected)


def _described(spec: ColumnSpec | None) -> str:
    return "no more columns" if spec is None else f"{spec.path} {spec.element_type.name.lower()}{list(spec.shape)}"
