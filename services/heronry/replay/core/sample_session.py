"""A reader's stream: credits and acknowledgements in, batches out."""

import contextlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from heronry.replay.core.conditions import EITHER, INSERTABLE
from heronry.replay.core.served import Lease, Served, batch_of
from heronry.replay.core.table import Table
from heronry.types.blocking import Changed, WouldBlock
from heronry.types.errors import InvalidArgumentError, MessageTooLargeError, SchemaMismatchError
from heronry.types.experience import Batch
from heronry.types.tables import Delivery

MAX_CREDITS = 1024
MAX_LEASES = 64


@dataclass(frozen=True)
class SampleHeader:
    """What opens a reader's stream; no columns: all."""

    table: str
    batch_size: int
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Credits:
    """Asks for more batches."""

    num_batches: int


@dataclass(frozen=True)
class Acknowledge:
    """Gives all batches up to this one back as done."""

    batch_id: int


SampleMessage = Credits | Acknowledge


class SampleSession:
    """One connection of a reader.

    A batch is drawn item by item as the limiter allows, and is handed out when it is full: what was
    drawn before stays here, so that a batch may be larger than the limiter's window. A batch costs a
    credit. Under AT_LEAST_ONCE it is leased until acknowledged, and what is not acknowledged at the
    end goes back to the table; under AT_MOST_ONCE it is gone.
    """

    def __init__(self, table: Table, header: SampleHeader, max_batch_bytes: int) -> None:
        """Open the stream.

        Raises:
          InvalidArgumentError: a batch without items.
          SchemaMismatchError: a column that the table does not have.
          MessageTooLargeError: the batch would exceed `max_batch_bytes`.
        """
        if header.batch_size < 1:
            raise InvalidArgumentError.of("header.batch_size", header.batch_size, "at least 1")
        self._table = table
        self._header = header
        self._max_batch_bytes = max_batch_bytes
        self._keeps_leases = table.definition.delivery is Delivery.AT_LEAST_ONCE
        self._credits = 0
        self._next_batch_id = 1
        self._parts: list[Served] = []
        self._leases: dict[int, list[Lease]] = {}
        self._paths = self._checked_paths()

    @property
    def may_collect(self) -> bool:
        """Whether there is a credit, and room for another lease."""
        return self._credits > 0 and len(self._leases) < MAX_LEASES

    def advance(self, inbox: deque[SampleMessage]) -> Changed[Batch | None]:
        """Take what came in, and return the next batch where there is a credit for one.

        Messages that come in while this waits are taken when it is tried again.

        Raises:
          WouldBlock: the limiter lets no further item out now; the same call again goes on from there.
          InvalidArgumentError: too many credits, or a batch that was never sent.
        """
        self._receive(inbox)
        return self._collect() if self.may_collect else Changed(None)

    def close(self, inbox: deque[SampleMessage]) -> Changed[None]:
        """End the connection: what is leased or half collected goes back, where the table says so."""
        # The reader is gone: its mistakes concern nobody any more.
        with contextlib.suppress(InvalidArgumentError):
            self._receive(inbox)
        open_leases = [lease for leases in self._leases.values() for lease in leases]
        if self._keeps_leases:
            open_leases += [part.lease for part in self._parts]
        self._leases.clear()
        self._parts.clear()
        self._table.give_back(open_leases)
        return Changed(None, EITHER)

    def _receive(self, inbox: deque[SampleMessage]) -> None:
        while inbox:
            match inbox.popleft():
                case Credits(num_batches):
                    self._grant(num_batches)
                case Acknowledge(batch_id):
                    self._acknowledge(batch_id)

    def _grant(self, num_batches: int) -> None:
        if self._credits + num_batches > MAX_CREDITS:
            raise InvalidArgumentError.of("credits.num_batches", num_batches, f"at most {MAX_CREDITS} unused")
        self._credits += num_batches

    def _collect(self) -> Changed[Batch | None]:
        has_drawn = False
        missing = self._header.batch_size - sum(map(len, self._parts))
        while missing > 0:
            try:
                served = self._table.sample(missing, self._wanted())
            except WouldBlock as blocked:
                changed = INSERTABLE if has_drawn else frozenset()
                raise WouldBlock(blocked.condition, blocked.waiting, changed=changed) from None
            has_drawn = True
            if served is not None:
                self._parts.append(served)
                missing -= len(served)
        return Changed(self._hand_out(), INSERTABLE)

    def _acknowledge(self, batch_id: int) -> None:
        """End the leases of all batches up to this one."""
        if batch_id >= self._next_batch_id:
            raise InvalidArgumentError.of("acknowledge.batch_id", batch_id, f"at most {self._next_batch_id - 1}")
        for done in [i for i in self._leases if i <= batch_id]:
            for lease in self._leases.pop(done):
                self._table.settle(lease)

    def _hand_out(self) -> Batch:
        batch = batch_of(self._parts, self._next_batch_id)
        if self._keeps_leases:
            self._leases[self._next_batch_id] = [part.lease for part in self._parts]
        self._parts = []
        self._next_batch_id += 1
        self._credits -= 1
        return batch

    def _wanted(self) -> tuple[str, ...]:
        if not self._paths:
            self._paths = self._checked_paths()
        return self._paths

    def _checked_paths(self) -> tuple[str, ...]:
        """Return the columns wanted; none while the table does not know its columns."""
        known = {s.path: s.num_bytes for s in self._table.specs}
        if not known:
            return ()
        paths = tuple(self._header.columns) or tuple(known)
        for path in paths:
            if path not in known or paths.count(path) > 1:
                raise SchemaMismatchError.of("header.columns", path, f"each once: {', '.join(known)}")
        num_bytes = sum(known[p] for p in paths) * self._table.definition.pattern.num_steps * self._header.batch_size
        if num_bytes > self._max_batch_bytes:
            raise MessageTooLargeError.of("header.batch_size", self._header.batch_size, self._largest(num_bytes))
        return paths

    def _largest(self, num_bytes: int) -> str:
        most = self._max_batch_bytes * self._header.batch_size // num_bytes
        return f"at most {most} (a batch of {self._max_batch_bytes} bytes)"
