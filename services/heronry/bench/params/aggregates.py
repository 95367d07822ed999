"""What the rules cost on vectors in memory, beside NumPy and Flower.

Floors: each contribution is read once, 1.28 GB for 32 x 10 M and 32 MB for 8 x 1 M; Krum's distances are 10^10
multiplications and additions, since there are 100 x 100 / 2 products of vectors of a million.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from tempfile import TemporaryDirectory

from heronry.bench.measurement import Measurement
from heronry.bench.params.processes import Worker
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

_GRID_STEP = 1e-8
_IN_MEMORY = 1 << 30
_DEFAULT_HELD = 64 << 20
_PEER = "flwr"
Told = Mapping[str, float]


@dataclass(frozen=True)
class Way:
    """One way to aggregate the contributions.

    Attributes:
      name: last part of its row's case; empty: the case itself.
      is_streamed: contribution by contribution, as the service does; otherwise over all of them at once.
    """

    name: str = ""
    goal: float | None = None
    grid_step: float = 0.0
    max_held_bytes: int = _IN_MEMORY
    is_streamed: bool = True


@dataclass(frozen=True)
class RuleCase:
    """A rule at one size.

    Attributes:
      figure: what its rows tell: `cpu_s`, or `seconds` by the clock.
      peer_ops: the peer's functions; the fastest counts.
      peer_more: further arguments of its script.
    """

    rule: str
    size: str
    num_contributions: int
    num_floats: int
    figure: str
    ways: tuple[Way, ...]
    peer_ops: tuple[str, ...]
    seconds: float
    peer_seconds: float
    num_repeats: int = 5
    peer_more: tuple[str, ...] = ()

    @property
    def case(self) -> str:
        """The row of the first way."""
        return f"params.aggregate.{self.rule}.{self.size}"

    @property
    def cases(self) -> tuple[str, ...]:
        """All its rows."""
        return (*(self.case_of(way) for way in self.ways), f"{self.case}.beside_flwr")

    def case_of(self, way: Way) -> str:
        """The row of one way."""
        return f"{self.case}.{way.name}" if way.name else self.case


CASES = (
    RuleCase(
        "weighted_mean",
        "32x10m",
        32,
        10_000_000,
        "cpu_s",
        (Way(goal=0.15), Way("one_pass", 0.15, is_streamed=False), Way("grid", grid_step=_GRID_STEP)),
        ("avg", "newavg"),
        25.0,
        60.0,
        peer_more=("--reps", "3"),
    ),
    RuleCase("median", "8x1m", 8, 1_000_000, "seconds", (Way(goal=8e-3),), ("median",), 3.0, 8.0),
    RuleCase("trimmed_mean", "8x1m", 8, 1_000_000, "seconds", (Way(goal=8e-3),), ("trimmed",), 3.0, 8.0),
    RuleCase(
        "krum",
        "100x1m",
        100,
        1_000_000,
        "seconds",
        (Way(goal=0.3), Way("spilled", max_held_bytes=_DEFAULT_HELD)),
        ("krum",),
        15.0,
        45.0,
        3,
        ("--reps", "1", "--warm", "0"),
    ),
)


def aggregate(peers: Peers, case: RuleCase) -> Iterator[Row]:
    """Yield what each way of a rule takes, in turn with NumPy, and once more beside Flower."""
    told: dict[str, list[Told]] = {way.name: [] for way in case.ways}
    theirs: list[Told] = []
    with TemporaryDirectory(prefix="heronry-bench-") as folder, Worker("aggregate_worker") as worker:
        made = worker.ask("make", rule=case.rule, num_contributions=case.num_contributions, num_floats=case.num_floats)
        for repeat in range(case.num_repeats + 1):
            for way in case.ways:
                answer = _asked(worker, way, folder)
                told[way.name] += [answer] if repeat else []
            theirs += [worker.ask("numpy")]
    beside = {"reference": "NumPy", "reference_value": statistics.median(t[case.figure] for t in theirs[1:])}
    for way in case.ways:
        yield _row(case, way, told[way.name], made, beside)
    if peers.are_wanted:
        values = [t[case.figure] for t in told[case.ways[0].name]]
        more = _flower(peers, case)
        yield Row.of(f"{case.case}.beside_flwr", values, _unit(case), "lower", **more)


def _asked(worker: Worker, way: Way, folder: str) -> Told:
    if not way.is_streamed:
        return worker.ask("one_pass")
    figures = {"grid_step": way.grid_step, "max_held_bytes": way.max_held_bytes}
    return worker.ask("accumulate", way=way.name, folder=folder, **figures)


def _row(case: RuleCase, way: Way, told: Sequence[Told], made: Told, beside: Mapping[str, object]) -> Row:
    values = [t[case.figure] for t in told]
    medians = {name: round(statistics.median(t[name] for t in told), 5) for name in ("seconds", "cpu_s", "adding_s")}
    settings = {"contributions": case.num_contributions, "floats": case.num_floats, **medians}
    settings |= {"measuring_them_cpu_s": round(made["measure_cpu_s"], 5), "threads": 1}
    if way.grid_step:
        settings["grid_step"] = way.grid_step
    return Row.of(case.case_of(way), values, _unit(case), "lower", goal=way.goal, settings=settings, **beside)


def _unit(case: RuleCase) -> str:
    return "CPU s" if case.figure == "cpu_s" else "s"


def _flower(peers: Peers, case: RuleCase) -> dict[str, object]:
    sizes = ("--clients", str(case.num_contributions), "--params", str(case.num_floats))
    what = ("--ops", ",".join(case.peer_ops), *sizes, "--no-peak", *case.peer_more)
    lines = peers.run_lines(_PEER, "flower_bench.py", *what, timeout_s=400)
    best = min((line["median_s"] for line in lines), default=None)
    return {} if best is None else {"reference": "flwr, seconds", "reference_value": best}


AGGREGATE_MEASUREMENTS = tuple(
    Measurement(case.cases, partial(aggregate, case=case), case.seconds, case.peer_seconds) for case in CASES
)
