"""What a round of 100 workers adds to the server's memory.

Floor: the round's own buffer and one staging buffer for each stream that is open: Flower holds one for each worker.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from heronry.bench.measurement import Measurement
from heronry.bench.params.checks import MiscountError
from heronry.bench.params.processes import ParamsServer, Process, Worker
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

NUM_WORKERS = 100
NUM_FLOATS = 10_000_000
_NUM_PROCESSES = 4
_NUM_OPEN_EACH = 4
_MODEL_BYTES = 4 * NUM_FLOATS
_MODEL = "crowded"
_PERIOD_S = 0.005
_TOLERANCE = 1e-5
CASE = "params.memory.round_100"


class PeakMemory:
    """The most that a process held while this was entered, looked at every 5 ms."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.num_bytes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._has_ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._has_ended.wait(_PERIOD_S):
            self.num_bytes = max(self.num_bytes, self._process.resident_bytes())


def round_of_100(peers: Peers) -> Iterator[Row]:
    """Yield the growth of resident memory in models; the goal is 2 and one for each open stream."""
    del peers
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
        server = stack.enter_context(ParamsServer(folder / "params"))
        crowd = [stack.enter_context(Worker("crowd_worker")) for _ in range(_NUM_PROCESSES)]
        idle = server.resident_bytes()
        number = _gather(crowd, server)
        before = server.resident_bytes()
        with PeakMemory(server) as peak:
            sums = _push(crowd)
        newest = crowd[0].ask("newest", address=server.tcp_address)
        after = server.resident_bytes()
    _check(newest, number, sums)
    num_open = _NUM_PROCESSES * _NUM_OPEN_EACH
    told = {"idle_bytes": idle, "before_bytes": before, "peak_bytes": peak.num_bytes, "after_pull_bytes": after}
    settings = {"workers": NUM_WORKERS, "open_streams": num_open, "model_bytes": _MODEL_BYTES, **told}
    value = (peak.num_bytes - before) / _MODEL_BYTES
    more: dict[str, Any] = {"reference": "a copy of each contribution", "reference_value": float(NUM_WORKERS)}
    yield Row.of(CASE, [value], "models", "lower", goal=2.0 + num_open, settings=settings, **more)


def _gather(crowd: Sequence[Worker], server: ParamsServer) -> int:
    """Register the model and connect all workers; return the number of its first version."""
    where = {"address": server.tcp_address, "model": _MODEL}
    made = crowd[0].ask("register", **where, num_floats=NUM_FLOATS, num_contributions=NUM_WORKERS)
    each = NUM_WORKERS // len(crowd)
    for index, worker in enumerate(crowd):
        names = [f"worker-{index}-{number}" for number in range(each)]
        worker.ask("gather", **where, names=names, num_floats=NUM_FLOATS)
    number: int = made["number"]
    return number


def _push(crowd: Sequence[Worker]) -> list[float]:
    """Let all workers push; return the sum of what they pushed, at some places."""
    for worker in crowd:
        worker.send("push_all", {"num_open": _NUM_OPEN_EACH})
    answers = [worker.receive()["sum"] for worker in crowd]
    return [math.fsum(column) for column in zip(*answers, strict=True)]


def _check(newest: dict[str, Any], number: int, sums: Sequence[float]) -> None:
    if newest["number"] != number + 1:
        raise MiscountError(f"version {newest['number']} came of one round after version {number}")
    for got, total in zip(newest["values"], sums, strict=True):
        if abs(got - total / NUM_WORKERS) > _TOLERANCE:
            raise MiscountError(f"{got} is not the mean of {NUM_WORKERS} contributions, {total / NUM_WORKERS}")


MEMORY_MEASUREMENTS = (Measurement((CASE,), round_of_100, 30.0),)
