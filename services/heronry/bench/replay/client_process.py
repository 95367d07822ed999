"""A client process: takes commands as JSON lines on standard input, answers each on standard output."""

import asyncio
import json
import resource
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from heronry.bench.replay.load import Load, Transport, Window
from heronry.bench.replay.tables import definition_of
from heronry.bench.replay.tasks import Task, task_of
from heronry.client.replay import ReplayClient
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import TableInfo

_MAPS = Path("/proc/self/maps")


class Commands:
    """Carries out commands, each by the method of its name."""

    def __init__(self, tcp_address: str, unix_address: str) -> None:
        self._addresses: dict[Transport, str] = {"tcp": tcp_address, "unix": unix_address, "shm": unix_address}
        self._clients: dict[str, ReplayClient] = {}
        self._task: Task | None = None
        self._task_stack = AsyncExitStack()
        self._client_stack = AsyncExitStack()

    async def create(self, settings: dict[str, Any]) -> dict[str, float]:
        """Make a table; tell what it holds already, and how long that took."""
        level = AcknowledgementLevel(settings.pop("level", AcknowledgementLevel.MEMORY.value))
        client = await self._client()
        begun = time.perf_counter()
        await client.create_table(definition_of(**settings, level=level))
        took = time.perf_counter() - begun
        return {"seconds": took, **await self.describe(settings["table"])}

    async def describe(self, table: str) -> dict[str, float]:
        """Tell a table's counters."""
        return _counters(await (await self._client()).get_table(table))

    async def snapshot(self, table: str) -> dict[str, float]:
        """Save a table; tell how long that took, and how long callers stood still."""
        client = await self._client()
        begun = time.perf_counter()
        saved = await client.save_snapshot(table)
        return {"seconds": time.perf_counter() - begun, "stall_s": saved.stall_s}

    async def prepare(self, fields: dict[str, Any]) -> dict[str, float]:
        """Let go of the load before and take up another."""
        await self.rest(None)
        load = Load(**fields)
        client = await self._client(load.transport)
        self._task = await self._task_stack.enter_async_context(task_of(client, load))
        return {}

    async def rest(self, nothing: None) -> dict[str, float]:
        """Let go of the load."""
        del nothing
        self._task = None
        await self._task_stack.aclose()
        return {}

    async def run(self, limits: dict[str, Any]) -> dict[str, float]:
        """Work for a window."""
        if self._task is None:
            raise RuntimeError("no load was prepared")
        return (await measure(self._task, **limits)).fields()

    async def mapped_slots(self, nothing: None) -> dict[str, bool]:
        """Tell whether batches come by shared memory."""
        del nothing
        return {"has_slots": "/memfd:" in await asyncio.to_thread(_MAPS.read_text)}

    async def close(self) -> None:
        """End all streams and connections."""
        await self.rest(None)
        await self._client_stack.aclose()

    async def _client(self, transport: Transport = "tcp") -> ReplayClient:
        address = self._addresses[transport]
        if address not in self._clients:
            self._clients[address] = await self._client_stack.enter_async_context(ReplayClient(address))
        return self._clients[address]


async def serve(tcp_address: str, unix_address: str) -> None:
    """Answer commands until standard input ends."""
    commands = Commands(tcp_address, unix_address)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            ((name, value),) = json.loads(line).items()
            answer = await getattr(commands, name)(value)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        await commands.close()


async def measure(task: Task, seconds: float, max_items: int | None) -> Window:
    """Call the task for some time, or up to a number of items."""
    latencies: list[float] = []
    num_items = 0
    cpu_s = _cpu_s()
    begun = now = time.perf_counter()
    end = begun + seconds
    while now < end and (max_items is None or num_items < max_items):
        num_items += await task.call()
        before, now = now, time.perf_counter()
        latencies.append(now - before)
    await task.finish()
    took = time.perf_counter() - begun
    latencies.sort()
    last = len(latencies) - 1
    p50, p99, longest = (1e3 * latencies[int(last * share)] for share in (0.5, 0.99, 1.0))
    return Window(num_items, took, _cpu_s() - cpu_s, p50, p99, longest)


def _counters(info: TableInfo) -> dict[str, float]:
    names = ("num_items", "num_bytes", "num_step_bytes", "num_inserts", "num_samples", "num_deletes", "num_recovered")
    return {name: getattr(info, name) for name in names}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
