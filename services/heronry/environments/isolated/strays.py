"""Programs that have left the process group of their worker, found by a variable that they have inherited."""

import contextlib
import os
import signal
from pathlib import Path
from typing import Final

VARIABLE: Final = "HERONRY_WORKER"


def end_strays(mark: str) -> None:
    """Kill every process whose environment began with the worker's mark; where there is no `/proc`, none is found."""
    wanted = f"{VARIABLE}={mark}".encode()
    with contextlib.suppress(OSError):
        for process in Path("/proc").glob("[0-9]*"):
            # One that is not ours, or has just ended, cannot be read.
            with contextlib.suppress(OSError):
                if wanted in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
