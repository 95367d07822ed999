"""The suites by name; each yields rows as they are measured."""

import fnmatch
import sys
import traceback
from collections.abc import Iterator, Sequence

from heronry.bench import fleet, params, privacy, replay, sdk, train
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.types.errors import HeronryError, InvalidArgumentError

SUITES: dict[str, tuple[Measurement, ...]] = {
    "train": (
        Measurement(train.TARGET_CASES, train.time_to_target),
        Measurement(train.THROUGHPUT_CASES, train.throughput),
    ),
    "sdk": (Measurement(("sdk.import.cpu_s",), sdk.import_cost),),
    "replay": replay.MEASUREMENTS,
    "params": params.MEASUREMENTS,
    "privacy": privacy.MEASUREMENTS,
    "fleet": fleet.MEASUREMENTS,
}


class BenchmarkFailedError(HeronryError):
    """Some cases have no figure, or no peer beside them; the others were measured."""


def run_suite(name: str, pattern: str, peers: Peers) -> Iterator[Row]:
    """Yield the rows of a suite whose case matches `pattern` (as a file name does).

    A measurement that fails is told on standard error, and the next one follows.

    Raises:
      InvalidArgumentError: no such suite, or no case matches.
      BenchmarkFailedError: at the end, when something failed.
    """
    if name not in SUITES:
        raise InvalidArgumentError.of("suite", name, ", ".join(SUITES))
    chosen = [measurement.only(pattern) for measurement in SUITES[name] if measurement.has(pattern)]
    if not chosen:
        raise InvalidArgumentError.of("case", pattern, ", ".join(c for m in SUITES[name] for c in m.cases))
    _tell_estimate(chosen, peers)
    yield from run_measurements(chosen, pattern, peers)


def run_measurements(measurements: Sequence[Measurement], pattern: str, peers: Peers) -> Iterator[Row]:
    """Yield the matching rows of measurements, one after the other, as `run_suite` does.

    Raises:
      BenchmarkFailedError: at the end, when something failed.
    """
    failures: list[str] = []
    for measurement in measurements:
        try:
            yield from (row for row in measurement.run(peers) if fnmatch.fnmatch(row.case, pattern))
        except Exception as error:  # noqa: BLE001 - whatever it is, the other cases are still worth measuring
            failures.append(measurement.cases[0])
            sys.stderr.write(f"case failed: {', '.join(measurement.cases)}: {type(error).__name__}: {error}\n")
            traceback.print_exception(error, file=sys.stderr)
    if failures or peers.failures:
        what = ", ".join(f"{case} and those measured with it" for case in failures)
        raise BenchmarkFailedError("; ".join(filter(None, (what, *peers.failures))))


def _tell_estimate(measurements: Sequence[Measurement], peers: Peers) -> None:
    seconds = sum(m.seconds + (m.peer_seconds if peers.are_wanted else 0.0) for m in measurements)
    if seconds > 0:
        sys.stderr.write(f"about {seconds / 60:.1f} min on two quiet cores\n")
        sys.stderr.flush()
