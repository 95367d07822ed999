"""64 workers that push 1 MB each whenever they like, and readers beside them.

Floor: at 128 pushes a second 128 MB come in, some 70 ms of each second at C++'s rate; every push makes a version,
three passes over 1 MB and its hash, under 1 ms.
"""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from heronry.bench.measurement import Measurement
from heronry.bench.params.checks import MiscountError
from heronry.bench.params.processes import ParamsServer, Worker
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

NUM_WORKERS = 64
RATE = 2.0
"""Pushes a second of each worker."""
NUM_READERS = 4
_NUM_PROCESSES = 4
_NUM_FLOATS = 250_000
_MODEL = "asynchronous"
_WINDOW_S = 4.0
_NUM_WINDOWS = 3
_LEAD_S = 0.1
_CASE = "params.async.64x1mb"
CASES = tuple(f"{_CASE}.{name}" for name in ("p50_ms", "p99_ms", "reader_age_ms"))
_GOALS = (20.0, 100.0, 1000.0)
Answer = Mapping[str, Any]


def pushes_at_a_rate(peers: Peers) -> Iterator[Row]:
    """Yield the time from the moment a push is due to its acknowledgement, and the oldest version a reader had."""
    del peers
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
        server = stack.enter_context(ParamsServer(folder / "params"))
        crowd = [stack.enter_context(Worker("crowd_worker")) for _ in range(_NUM_PROCESSES)]
        readers = stack.enter_context(Worker("crowd_worker"))
        _gather(crowd, readers, server)
        windows = [_window(crowd, readers) for _ in range(_NUM_WINDOWS + 1)][1:]
        counters = crowd[0].ask("counters")
    _check(counters)
    settings = {
        "workers": NUM_WORKERS,
        "processes": _NUM_PROCESSES,
        "pushes_per_s_offered": NUM_WORKERS * RATE,
        "readers": NUM_READERS,
        "versions_seen_by_a_reader": min(num_seen for _, _, num_seen in windows),
        "level": "MEMORY",
    }
    shares = [[1e3 * _quantile(pushes, share) for pushes, _, _ in windows] for share in (0.5, 0.99)]
    ages = [1e3 * age for _, age, _ in windows]
    for case, values, goal in zip(CASES, (*shares, ages), _GOALS, strict=True):
        yield Row.of(case, values, "ms", "lower", goal=goal, settings=settings)


def _gather(crowd: Sequence[Worker], readers: Worker, server: ParamsServer) -> None:
    where = {"address": server.tcp_address, "model": _MODEL}
    crowd[0].ask("register", **where, num_floats=_NUM_FLOATS, num_contributions=1)
    each = NUM_WORKERS // len(crowd)
    for index, worker in enumerate(crowd):
        names = [f"worker-{index}-{number}" for number in range(each)]
        worker.ask("gather", **where, names=names, num_floats=_NUM_FLOATS)
    names = [f"reader-{number}" for number in range(NUM_READERS)]
    readers.ask("gather", **where, names=names, num_floats=_NUM_FLOATS)


def _window(crowd: Sequence[Worker], readers: Worker) -> tuple[list[float], float, int]:
    """Return the latencies, the greatest age of a version that a reader still had, and how many one saw at least."""
    at = time.monotonic() + _LEAD_S
    readers.send("watch", {"at": at, "seconds": _WINDOW_S})
    for worker in crowd:
        worker.send("offer", {"at": at, "seconds": _WINDOW_S, "rate": RATE})
    answers = [worker.receive() for worker in crowd]
    seen: list[list[tuple[float, int]]] = readers.receive()["seen"]
    latencies = [latency for answer in answers for latency in answer["latencies"]]
    due = {int(number): moment for answer in answers for number, moment in answer["due"].items()}
    return latencies, max(oldest(reader, due, at + _WINDOW_S) for reader in seen), min(len(r) for r in seen)


def oldest(seen: Sequence[tuple[float, int]], due: Mapping[int, float], end: float) -> float:
    """Return the greatest age at which a reader let go of a version, or had one at the end.

    Args:
      seen: when it had which version.
      due: when the push was due that made a version: it is no younger than that.
      end: of the window, after which nothing more is pushed.
    """
    if not seen:
        raise MiscountError("a reader saw no version")
    until = [moment for moment, _ in seen[1:]] + [end]
    ages = [moment - due[number] for (_, number), moment in zip(seen, until, strict=True) if number in due]
    if not ages:
        raise MiscountError("a reader saw no version that was pushed")
    return max(ages)


def _check(counters: Answer) -> None:
    expected = (_NUM_WINDOWS + 1) * round(_WINDOW_S * RATE) * NUM_WORKERS
    if (counters["num_accepted"], counters["num_refused"]) != (expected, 0):
        raise MiscountError(f"{dict(counters)} after {expected} pushes")


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] if share != 0.5 else statistics.median(values)


ASYNC_MEASUREMENTS = (Measurement(CASES, pushes_at_a_rate, 28.0),)
