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
    """Something that is measured as a whole and yields rows whose cases start with `prefix`."""

    prefix: str
    run: Callable[[Peers], Iterator[Row]]


SUITES: dict[str, tuple[Measurement, ...]] = {
    "train": (
        Measurement("train.cartpole.ppo.local.target", train.time_to_target),
        Measurement("train.cartpole.ppo.local.throughput", train.throughput),
    ),
    "sdk": (Measurement("sdk.import", sdk.import_cost),),
}


def run_suite(name: str, pattern: str, peers: Peers) -> Iterator[Row]:
    """Yield the rows of a suite whose case matches `pattern` (as a file name does).

    Raises:
      InvalidArgumentError: no such suite, or no case matches.
    """
    if name not in SUITES:
        raise InvalidArgumentError.of("suite", name, ", ".join(SUITES))
    chosen = [m for m in SUITES[name] if _may_match(m.prefix, pattern)]
    if not chosen:
        raise InvalidArgumentError.of("case", pattern, ", ".join(f"{m.prefix}.*" for m in SUITES[name]))
    for measurement in chosen:
        yield from (row for row in measurement.run(peers) if fnmatch.fnmatch(row.case, pattern))


def _may_match(prefix: str, pattern: str) -> bool:
    literal = pattern.split("*", 1)[0]
    return prefix.startswith(literal) or literal.startswith(prefix)
