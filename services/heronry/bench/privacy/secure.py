"""Secure aggregation of 32 clients with a million parameters each, of whom 6 drop out, beside a plain upload.

Floor: a client makes a keystream of 8 bytes a parameter for each of the others, and sends 4 bytes a parameter.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from heronry.bench.measurement import Measurement
from heronry.bench.params.checks import MiscountError
from heronry.bench.peers import Peers
from heronry.bench.privacy.secure_round import measure_round
from heronry.bench.rows import Row

NUM_CLIENTS, NUM_PARAMETERS, NUM_DROPPED, MIN_SURVIVORS = 32, 1_000_000, 6, 22
_NUM_REPEATS = 2
CASE = "privacy.secure.32x1m"
CASES = tuple(f"{CASE}.{row}" for row in ("client_cpu_s", "server_cpu_s", "client_bytes_up", "client_bytes_down"))


def secure(peers: Peers) -> Iterator[Row]:
    """Yield what a round with drop-outs takes of a client and of the server."""
    del peers
    told = [_measured() for _ in range(_NUM_REPEATS)]
    settings = {
        "clients": NUM_CLIENTS,
        "parameters": NUM_PARAMETERS,
        "dropped": NUM_DROPPED,
        "min_survivors": MIN_SURVIVORS,
    }
    for who in ("client", "server"):
        figures = [row[f"{who}_cpu_ms"] for row in told]
        steps = {"steps_ms": figures[0]}
        seconds = [figure["all"] / 1e3 for figure in figures]
        yield Row.of(f"{CASE}.{who}_cpu_s", seconds, "CPU s", "lower", settings=settings | steps)
    for way in ("up", "down"):
        sizes = [float(row[f"client_bytes_{way}"]["all"]) for row in told]
        beside = {"reference": "the vector as float32", "reference_value": float(told[0]["plain_bytes_up"])}
        yield Row.of(f"{CASE}.client_bytes_{way}", sizes, "bytes", "lower", settings=settings, **beside)


def _measured() -> Mapping[str, Any]:
    row = measure_round(NUM_CLIENTS, NUM_PARAMETERS, NUM_DROPPED, MIN_SURVIVORS)
    if not row["is_right"]:
        raise MiscountError("the sum is not that of the survivors")
    return row


SECURE_MEASUREMENTS = (Measurement(CASES, secure, 60.0),)
