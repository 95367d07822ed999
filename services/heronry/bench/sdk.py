"""What importing the SDK costs."""

import statistics
import subprocess
import sys
from collections.abc import Iterator

from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_SCRIPT = "import resource, {module}; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"


def import_cost(peers: Peers) -> Iterator[Row]:
    """Yield CPU seconds of a fresh interpreter that imports the SDK, beside one that imports grpc and NumPy."""
    del peers
    ours = [_cpu_seconds("heronry.client") for _ in range(7)]
    floor = [_cpu_seconds("grpc.aio, numpy") for _ in range(7)]
    limit = {"reference": "import grpc.aio, numpy", "reference_value": statistics.median(floor)}
    yield Row.of("sdk.import.cpu_s", ours, "s", "lower", goal=0.5, **limit)


def _cpu_seconds(module: str) -> float:
    command = [sys.executable, "-c", _SCRIPT.format(module=module)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
