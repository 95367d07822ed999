"""Starts replay servers in milliseconds, forked off a process that has imported all they need, and kills them.

Commands come by standard input: `start STORAGE SOCKET SNAPSHOT_LOG_BYTES` answers with a process id,
`kill PID` answers when that process is gone.
"""

import asyncio
import os
import signal
import sys
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


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "start":
            pid = os.fork()
            if pid == 0:
                log = os.open(f"{arguments[0]}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                asyncio.run(serve(*arguments))
                return
            print(pid, flush=True)
        else:
            os.kill(int(arguments[0]), signal.SIGKILL)
            os.waitpid(int(arguments[0]), 0)
            print("gone", flush=True)


if __name__ == "__main__":
    main()
