"""The loop of a benchmark's child process: commands come as JSON lines, each is answered with one."""

import asyncio
import json
import resource
import sys
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

_MAPS = Path("/proc/self/maps")
_MEMFD = "/memfd:"


class Commands(Protocol):
    """Has an async method for each command; its arguments are those of the command, its answer a mapping."""

    async def close(self) -> None:
        """End all streams and connections."""
        ...


async def answer_commands(commands: Commands) -> None:
    """Answer until standard input ends."""
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            ((name, arguments),) = json.loads(line).items()
            answer: dict[str, Any] = await getattr(commands, name)(**arguments)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        await commands.close()


def run(commands: Commands) -> None:
    """Answer commands on the event loop that services use as well."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(answer_commands(commands))


def cpu_s() -> float:
    """Return the CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def lies_in_shared_memory(values: npt.NDArray[Any]) -> bool:
    """Tell whether an array lies in memory that was handed to this process by its descriptor."""
    place = values.ctypes.data
    return any(begin <= place < end for begin, end, _ in _shared_regions())


def writes_shared_memory() -> bool:
    """Tell whether this process has such memory that it may write to."""
    return any("w" in permissions for _, _, permissions in _shared_regions())


def _shared_regions() -> list[tuple[int, int, str]]:
    """Return begin, end and permissions of what is mapped by its descriptor."""
    regions: list[tuple[int, int, str]] = []
    for line in _MAPS.read_text(encoding="utf-8").splitlines():
        if _MEMFD in line:
            bounds, permissions, *_ = line.split()
            begin, end = (int(bound, 16) for bound in bounds.split("-"))
            regions.append((begin, end, permissions))
    return regions


def _loop_factory() -> Any:  # noqa: ANN401 # uvloop has no types where it is not installed
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
