"""The suites by name; each yields rows as they are measured."""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from heronry.bench import sdk, train
from heronry.bench.peers import Peers
from heronry.bench.rows import Row
from heronry.types.errors import InvalidArgumentError


@dataclass(frozen=True)
class Measurement:
    """Something that is measured as a whole and yields the rows of `cases`."""

    cases: tuple[str, ...]
    run: Callable[[Peers], Iterator[Row]]

    def has(self, pattern: str) -> bool:
        """Tell whether a case matches, as a file name does."""
        return any(fnmatch.fnmatch(case, pattern) for case in self.cases)


SUITES: dict[str, tuple[Measurement, ...]] = {
    "train": (
        Measurement(train.TARGET_CASES, train.time_to_target),
        Measurement(train.THROUGHPUT_CASES, train.throughput),
    ),
    "sdk": (Measurement(("sdk.import.cpu_s",), sdk.import_cost),),
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
