"""Central inference: four processes of CartPoles ask one inference service for every step.

Floor: a message each way a step and process; 64 rows of an MLP 64-64 take 30 microseconds.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.types.errors import UnavailableError

_CASE = "fleet.central.cartpole.4x64"
_NUM_FLEETS = 4
_LANES = 64
_WINDOW_S = 4.0
_NUM_REPEATS = 3
CASES = (f"{_CASE}.steps_per_s", f"{_CASE}.p50_ms", f"{_CASE}.p99_ms")


def central(peers: Peers) -> Iterator[Row]:
    """Yield steps a second of all fleets together, and the time of one step of 64 environments, stepping included."""
    del peers
    with tempfile.TemporaryDirectory(prefix="heronry-bench-") as folder:
        address = f"unix:{folder}/inference.sock"
        command = [sys.executable, "-m", "heronry.bench.fleet.inference_server", address]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                if server.stdout is None or server.stdout.readline().strip() != "ready":
                    raise UnavailableError("the inference service does not start")
                rounds = [_round(address) for _ in range(_NUM_REPEATS)]
            finally:
                server.terminate()
    settings: dict[str, object] = {"fleets": _NUM_FLEETS, "lanes": _LANES, "network": "MLP 64-64, native"}
    rates = [sum(f["steps_per_s"] for f in found) for found in rounds]
    yield Row.of(CASES[0], rates, "steps/s", "higher", goal=100e3, settings=settings)
    medians = [statistics.median(f["p50_ms"] for f in found) for found in rounds]
    yield Row.of(CASES[1], medians, "ms", "lower", goal=5.0, settings=settings)
    yield Row.of(CASES[2], [max(f["p99_ms"] for f in found) for found in rounds], "ms", "lower", settings=settings)


def _round(address: str) -> list[dict[str, float]]:
    """Have all fleets play side by side; return what each measured."""
    module = "heronry.bench.fleet.inference_client"
    fleets = [
        subprocess.Popen(
            [sys.executable, "-m", module, address, f"fleet-{i}", str(_LANES), str(_WINDOW_S)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(_NUM_FLEETS)
    ]
    told = [fleet.communicate(timeout=60 + _WINDOW_S)[0] for fleet in fleets]
    return [json.loads(text) for text in told]


CENTRAL_MEASUREMENTS = (Measurement(CASES, central, _NUM_REPEATS * (_WINDOW_S + 4)),)
