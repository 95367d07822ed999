"""Tables with the threads that own them."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.table import Table
from heronry.runtime.owner import Owner
from heronry.types.blocking import Changed, Waiting
from heronry.types.errors import AlreadyExistsError, TableNotFoundError, UnavailableError
from heronry.types.tables import TableDefinition, TableInfo

T = TypeVar("T")


class TableHost:
    """One table and its owner: callers of one table do not wait for those of another."""

    def __init__(self, definition: TableDefinition, budget: ByteBudget) -> None:
        self.declared = definition
        self.table = Table(definition, budget, np.random.default_rng(definition.seed))
        self._owner = Owner(f"table {definition.table!r}")

    async def call(self, function: Callable[..., T], *args: object) -> T:
        """Run a core call that changes nothing others wait for, in the owner's thread."""
        return await self._owner.call(function, *args)

    async def change(self, function: Callable[..., Changed[T]], *args: object) -> T:
        """Run a core call in the owner's thread; it waits as long as it must, and wakes others."""
        changed: T = await self._owner.call(function, *args)
        return changed

    async def finish(self, function: Callable[..., object], *args: object) -> None:
        """Run a session's last call, also for a stream that is being cancelled, or of a table that is gone."""
        with contextlib.suppress(UnavailableError):
            await asyncio.shield(self._owner.call(function, *args))

    async def info(self) -> TableInfo:
        """Describe the table and those who wait."""
        info = await self._owner.call(self.table.info)
        return replace(info, waiting=tuple(self._owner.waiting()))

    def longest_waiting(self, side: str) -> Waiting | None:
        """Return why the caller of a side waits that has waited longest."""
        return next((w for w in self._owner.waiting() if w.side == side), None)

    async def close(self) -> None:
        """Drop the table; those who wait are told that it is gone."""
        await self._owner.call(self.table.close)
        self._owner.close()


class TableHosts:
    """The tables of a service by name, within one byte budget; used on one event loop."""

    def __init__(self, max_bytes: int) -> None:
        self._budget = ByteBudget(max_bytes)
        self._hosts: dict[str, TableHost] = {}

    def create(self, definition: TableDefinition) -> bool:
        """Make a table; False when an equal one is there.

        Raises:
          AlreadyExistsError: another one of that name is there.
          InvalidArgumentError, UnimplementedError: a definition that cannot work here.
        """
        known = self._hosts.get(definition.table)
        if known is None:
            self._hosts[definition.table] = TableHost(definition, self._budget)
            return True
        if known.declared != definition:
            message = f"table {definition.table!r} is there with another definition"
            raise AlreadyExistsError(message, details={"field": "definition.table", "value": definition.table})
        return False

    def get(self, table: str) -> TableHost:
        """Return a table.

        Raises:
          TableNotFoundError: no such table; names those there are.
        """
        if table not in self._hosts:
            raise TableNotFoundError.of("table", table, sorted(self._hosts))
        return self._hosts[table]

    def all(self) -> list[TableHost]:
        """Return all tables, sorted by name."""
        return [self._hosts[name] for name in sorted(self._hosts)]

    async def drop(self, table: str) -> None:
        """Drop a table, where there is one."""
        host = self._hosts.pop(table, None)
        if host is not None:
            await host.close()

    async def close(self) -> None:
        """Drop all tables."""
        for name in list(self._hosts):
            await self.drop(name)
