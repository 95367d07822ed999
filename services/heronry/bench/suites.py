"""The suites by name; each yields rows as they are measured."""

import fnmatch
from collections.abc import Iterator

from heronry.bench import replay, sdk, train
from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.types.errors import InvalidArgumentError

SUITES: dict[str, tuple[Measurement, ...]] = {
    "train": (
        Measurement(train.TARGET_CASES, train.time_to_target),
        Measurement(train.THROUGHPUT_CASES, train.throughput),
    ),
    "sdk": (Measurement(("sdk.import.cpu_s",), sdk.import_cost),),
    "replay": replay.MEASUREMENTS,
}


def run_suite(name: str, pattern: str, peers: Peers) -> Iterator[Row]:
    """Yield the rows of a suite whose case matches `pattern` (as a file name does).

    Raises:
      InvalidArgumentError: no such suite, or no case matches.
    """
    if name not in SUITES:
        raise InvalidArgumentError.of("suite", name, ", ".join(SUITES))
    chosen = [measurement for measurement in SUITES[name] if measurement.has(pattern)]
    if not chosen:
        raise InvalidArgumentError.of("case", pattern, ", ".join(c for m in SUITES[name] for c in m.cases))
    for measurement in chosen:
        yield from (row for row in measurement.run(peers) if fnmatch.fnmatch(row.case, pattern))
