"""How much memory a worker and all that it has started take."""

import contextlib

import psutil


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process and its descendants; 0 when it is gone."""
    num_bytes = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        worker = psutil.Process(pid)
        for process in (worker, *worker.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                num_bytes += process.memory_info().rss
    return num_bytes / 2**20
