"""A client process: takes commands as JSON lines on standard input, answers each on standard output."""

import asyncio
import json
import resource
import sys
import time
from contextlib import AsyncExitStack
from typing import Any

from heronry.bench.replay.load import Load, Window
from heronry.bench.replay.tables import definition_of
from heronry.bench.replay.tasks import Task, task_of
from heronry.client.replay import ReplayClient
from heronry.types.experience import AcknowledgementLevel
from heronry.types.tables import TableInfo


class Commands:
    """Carries out commands, each by the method of its name."""

    def __init__(self, client: ReplayClient) -> None:
        self._client = client
        self._task: Task | None = None
        self._stack = AsyncExitStack()

    async def create(self, settings: dict[str, Any]) -> dict[str, float]:
        """Make a table; tell what it holds already, and how long that took."""
        level = AcknowledgementLevel(settings.pop("level", AcknowledgementLevel.MEMORY.value))
        begun = time.perf_counter()
        await self._client.create_table(definition_of(**settings, level=level))
        took = time.perf_counter() - begun
        return {"seconds": took, **await self.describe(settings["table"])}

    async def describe(self, table: str) -> dict[str, float]:
        """Tell a table's counters."""
        return _counters(await self._client.get_table(table))

    async def snapshot(self, table: str) -> dict[str, float]:
        """Save a table; tell how long that took, and how long callers stood still."""
        begun = time.perf_counter()
        saved = await self._client.save_snapshot(table)
        return {"seconds": time.perf_counter() - begun, "stall_s": saved.stall_s}

    async def prepare(self, fields: dict[str, Any]) -> dict[str, float]:
        """Let go of the load before and take up another."""
        await self.close()
        self._task = await self._stack.enter_async_context(task_of(self._client, Load(**fields)))
        return {}

    async def run(self, limits: dict[str, Any]) -> dict[str, float]:
        """Work for a window."""
        if self._task is None:
            raise RuntimeError("no load was prepared")
        return (await measure(self._task, **limits)).fields()

    async def close(self) -> None:
        """End the load's streams."""
        self._task = None
        await self._stack.aclose()


async def serve(address: str) -> None:
    """Answer commands until standard input ends."""
    async with ReplayClient(address) as client:
        commands = Commands(client)
        while line := await asyncio.to_thread(sys.stdin.readline):
            ((name, value),) = json.loads(line).items()
            answer = await getattr(commands, name)(value)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
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
    names = ("num_items", "num_bytes", "num_step_bytes", "num_inserts", "num_samples", "num_recovered")
    return {name: getattr(info, name) for name in names}


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
