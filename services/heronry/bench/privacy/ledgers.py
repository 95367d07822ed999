"""What the admission of a release takes, whatever the length of the history: p50 and p99 of reservations with fsync.

Floor: one `fdatasync` of the pages that a reservation writes; measured in turn with it.
"""

import os
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from heronry.bench.measurement import Measurement
from heronry.bench.params.checks import MiscountError
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.privacy.ledger import Ledger, Reservation

HISTORIES = (10, 1_000, 100_000)
_NUM_CLIENTS = 1_000
_NUM_PARTICIPANTS = 32
_NUM_MEASURED = 500
_PAGES = 32_768
_GOAL_S = 5e-3
_EVENT = {
    "class": "PoissonSampledDpEvent",
    "sampling_probability": _NUM_PARTICIPANTS / _NUM_CLIENTS,
    "event": {"class": "GaussianDpEvent", "noise_multiplier": 1.0},
}
_NAMES = tuple(f"client-{i:05}" for i in range(_NUM_CLIENTS))
CASE = "privacy.ledger.admission"
CASES = tuple(f"{CASE}.{n}.{which}" for n in HISTORIES for which in ("p50", "p99"))


def admissions(peers: Peers) -> Iterator[Row]:
    """Yield the seconds of a reservation after histories of several lengths."""
    del peers
    with TemporaryDirectory(prefix="heronry-bench-") as folder:
        path, num_releases = Path(folder) / "ledger.sqlite", 0
        scratch = os.open(Path(folder) / "scratch", os.O_RDWR | os.O_CREAT)
        try:
            for history in HISTORIES:
                _fill(path, num_releases, history)
                reserve_s, bare_s = _measured(path, history, scratch)
                num_releases = history + _NUM_MEASURED
                yield from _rows(history, reserve_s, bare_s)
        finally:
            os.close(scratch)


def _fill(path: Path, done: int, wanted: int) -> None:
    """Write releases down without waiting for the disk: that is the history's, not what is measured."""
    with Ledger.open(path, owner="fill") as ledger:
        ledger._connection.execute("PRAGMA synchronous = OFF")  # noqa: SLF001 - no ledger in use may offer this
        for number in range(done, wanted):
            ledger.commit(ledger.reserve("run", _reservation(number), float(number)), float(number))


def _measured(path: Path, history: int, scratch: int) -> tuple[list[float], list[float]]:
    reserve_s, bare_s = [], []
    with Ledger.open(path, owner="bench") as ledger:
        for number in range(history, history + _NUM_MEASURED):
            reservation = _reservation(number)
            begun = time.perf_counter()
            sequence = ledger.reserve("run", reservation, float(number))
            reserve_s.append(time.perf_counter() - begun)
            ledger.commit(sequence, float(number))
            bare_s.append(_bare_s(scratch, number))
        num_releases = ledger.run("run").num_releases
    if num_releases != history + _NUM_MEASURED:
        raise MiscountError(f"the ledger has {num_releases} releases, not {history + _NUM_MEASURED}")
    return reserve_s, bare_s


def _bare_s(scratch: int, number: int) -> float:
    page = os.urandom(_PAGES)
    begun = time.perf_counter()
    os.pwrite(scratch, page, (number % 200) * _PAGES)
    os.fdatasync(scratch)
    return time.perf_counter() - begun


def _reservation(number: int) -> Reservation:
    participants = [_NAMES[(number * 37 + i * 31) % _NUM_CLIENTS] for i in range(_NUM_PARTICIPANTS)]
    return Reservation(number, _EVENT, 1.0, 1.0, 32.0, _NUM_PARTICIPANTS, "Gaussian", participants)


def _rows(history: int, reserve_s: Sequence[float], bare_s: Sequence[float]) -> Iterator[Row]:
    for which, share in (("p50", 0.5), ("p99", 0.99)):
        ours, bare = (_quantile(seconds, share) for seconds in (reserve_s, bare_s))
        beside = {"reference": "fdatasync of 32 KiB", "reference_value": bare}
        settings = {"releases_before": history, "participants": _NUM_PARTICIPANTS, "reservations": len(reserve_s)}
        goal = _GOAL_S if which == "p99" else None
        yield Row.of(f"{CASE}.{history}.{which}", [ours], "s", "lower", goal=goal, settings=settings, **beside)


def _quantile(seconds: Sequence[float], share: float) -> float:
    return statistics.quantiles(seconds, n=1000, method="inclusive")[round(share * 1000) - 1]


LEDGER_MEASUREMENTS = (Measurement(CASES, admissions, 90.0),)
