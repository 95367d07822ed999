"""A program of `support/forking.py`: replay servers. Arguments: STORAGE SOCKET SNAPSHOT_LOG_BYTES."""

import asyncio
from pathlib import Path

from heronry.replay import ReplaySettings, build
from heronry.runtime import ServiceNode


async def serve(storage: str, socket: str, snapshot_log_bytes: str) -> None:
    settings = ReplaySettings(
        instance="crashing",
        storage_dir=Path(storage),
        snapshot_log_bytes=int(snapshot_log_bytes),
        max_bytes=64 << 20,
        listen=(f"unix:{socket}",),
    )
    # Kept by name: a server that nobody holds is collected, and cancels all calls.
    node = ServiceNode(build(settings), settings)
    await node.start()
    await asyncio.Event().wait()


def main(arguments: list[str]) -> int:
    asyncio.run(serve(*arguments))
    return 0
