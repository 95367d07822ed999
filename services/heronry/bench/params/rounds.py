"""A round of 4 workers that each push 40 MB and pull what became of it, beside bare gRPC byte streams.

Floor: 160 MB into one process and 160 MB out of it, each byte through the kernel twice and copied by both sides.
"""

import fnmatch
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Literal, Self

from heronry.bench.measurement import Measurement
from heronry.bench.params.certificates import Certificates, make_certificates
from heronry.bench.params.checks import check_pulled, check_round, check_same_everywhere, check_spread
from heronry.bench.params.processes import ParamsServer, Process, Worker, ask_all
from heronry.bench.params.round_peers import PEERS, peer_rows
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

NUM_WORKERS = 4
NUM_FLOATS = 10_000_000
NUM_ROUNDS = 20
# The service holds up to 256 MB of versions as bases of weights: until the seventh round each is in fresh memory.
_NUM_WARM_UP = 8
_NUM_KEPT = 2
_BARRIER_S = 0.02
_BARE = "bare"
_BARE_NAME = "bare gRPC 1 MiB streams, summed in NumPy"
_START_S = 8.0
_ROUND_S = 0.45
CASE = "params.round.4x40mb"
Transport = Literal["tcp", "unix", "tls"]


@dataclass(frozen=True)
class RoundCase:
    """Rounds of one kind.

    Attributes:
      name: last part of its rows' cases.
      goal: seconds a round.
      closes_at: seconds that are the least.
      max_to_bare: goal of the round's time by that of bare gRPC; None: not a row.
      beside: what is measured in turn with it: bare gRPC, or another case by its name.
      noise: of a private model, as `settings_of` knows it; empty: the model is not private.
    """

    name: str
    goal: float | None = None
    closes_at: float | None = None
    codec: str = "f32"
    transport: Transport = "tcp"
    level: str = "memory"
    max_to_bare: float | None = None
    beside: str = _BARE
    noise: str = ""

    @property
    def case(self) -> str:
        """The row of seconds."""
        return f"{CASE}.{self.name}"

    @property
    def cases(self) -> tuple[str, ...]:
        """All its rows."""
        if self.max_to_bare is None:
            return (self.case,)
        return (self.case, f"{self.case}.to_bare", *(f"{self.case}.{peer.name}" for peer in PEERS))


PLAIN = RoundCase("f32", 0.40, 0.45, max_to_bare=1.05)
CASES = (
    PLAIN,
    RoundCase("bf16", 0.28, 0.30, codec="bf16"),
    RoundCase("int8", 0.20, 0.22, codec="int8"),
    RoundCase("shm", 0.10, 0.12, transport="unix"),
    RoundCase("tls", transport="tls", beside="f32"),
)
PROCESS_CASES = (RoundCase("f32.process", level="process"),)


@dataclass
class Times:
    """What the rounds of one side took.

    Attributes:
      seconds: from the barrier to the slowest worker's end.
      push_s: from the barrier to the slowest worker's acknowledgement.
    """

    seconds: list[float] = field(default_factory=list)
    push_s: list[float] = field(default_factory=list)
    server_cpu_s: list[float] = field(default_factory=list)
    workers_cpu_s: list[float] = field(default_factory=list)

    def told(self, prefix: str = "") -> dict[str, object]:
        """Return the medians that stand beside a row."""
        names = ("push_s", "server_cpu_s", "workers_cpu_s")
        return {f"{prefix}{name}": round(statistics.median(getattr(self, name)), 4) for name in names}


class RoundRig:
    """Servers and workers of rounds; use as `with`."""

    def __init__(self, num_floats: int = NUM_FLOATS, *, num_warm_up: int = _NUM_WARM_UP) -> None:
        self._num_floats = num_floats
        self._num_warm_up = num_warm_up
        self._stack = ExitStack()
        self._servers: dict[str, Process] = {}
        self._noised: set[str] = set()
        self._last: dict[str, Sequence[float]] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
            self._workers = [stack.enter_context(Worker("round_worker")) for _ in range(NUM_WORKERS)]
            self._stack = stack.pop_all()
        for seed, worker in enumerate(self._workers):
            worker.send("make", {"num_floats": self._num_floats, "seed": seed})
        for worker in self._workers:
            worker.receive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add_bare(self) -> None:
        """Start the server of bare gRPC and let all workers join."""
        server = self._stack.enter_context(Worker("bare_server"))
        address = server.ask("start", num_floats=self._num_floats, num_workers=NUM_WORKERS)["address"]
        ask_all(self._workers, "join_bare", side=_BARE, address=address, num_floats=self._num_floats)
        self._servers[_BARE] = server

    def add(self, cases: Sequence[RoundCase]) -> None:
        """Start a service for cases of one transport security and let all workers join their models."""
        is_tls = cases[0].transport == "tls"
        certificates = make_certificates(self._folder) if is_tls else None
        flags = certificates.flags if certificates else ()
        server = self._stack.enter_context(ParamsServer(self._folder / cases[0].name, flags))
        for case in cases:
            self._join(case, server, certificates)

    def measure(self, sides: Sequence[str], num_rounds: int) -> dict[str, Times]:
        """Let the sides have their rounds in turn, so that all see the same machine."""
        times = {side: Times() for side in sides}
        for side in sides:
            for _ in range(self._num_warm_up):
                self._round(side, Times())
        for _ in range(num_rounds):
            for side in sides:
                self._round(side, times[side])
        return times

    def server_of(self, case: RoundCase) -> Process:
        """Return the service that holds a case's model."""
        return self._servers[case.name]

    def check_noise(self, case: RoundCase, num_rounds: int) -> None:
        """Check that the newest values have the noise of so many rounds.

        Independent noise alone adds up to a spread that is known beforehand; contributions are too small to matter.

        Raises:
          MiscountError: their spread is not that of the noise.
        """
        spread = self._workers[0].ask("spread", side=case.name)["spread"]
        check_spread(spread, num_rounds, NUM_WORKERS)

    def check_transport(self, case: RoundCase) -> None:
        """Check that values went by shared memory over a UNIX socket, and did not over TCP.

        Raises:
          MiscountError: one worker's went the other way.
        """
        is_shared = case.transport == "unix"
        for told in ask_all(self._workers, "shared_memory", side=case.name):
            check_same_everywhere([told["is_read"]], expected=is_shared, what=f"{case.name}: shared memory is read")
            if is_shared:
                check_same_everywhere([told["is_written"]], expected=True, what="lent memory is written")

    def _join(self, case: RoundCase, server: ParamsServer, certificates: Certificates | None) -> None:
        address = server.unix_address if case.transport == "unix" else server.tcp_address
        more = {"certificate": certificates.certificate} if certificates else {}
        kept = {"num_versions_kept": _NUM_KEPT, "noise": case.noise}
        settings = {"num_contributions": NUM_WORKERS, "level": case.level, **kept}
        where = {"address": address, "model": case.name, **more}
        self._workers[0].ask("register", **where, num_floats=self._num_floats, **settings)
        for number, worker in enumerate(self._workers):
            worker.ask("join", side=case.name, **where, codec=case.codec, client_id=f"worker-{number}")
        self._servers[case.name] = server
        if case.noise:
            self._noised.add(case.name)

    def _round(self, side: str, times: Times) -> None:
        server = self._servers[side]
        cpu_before = server.cpu_s()
        at = time.monotonic() + _BARRIER_S
        answers: list[dict[str, Any]] = ask_all(self._workers, "round", side=side, at=at)
        times.seconds.append(max(answer["end"] for answer in answers) - at)
        times.push_s.append(max(answer["push_s"] for answer in answers))
        times.server_cpu_s.append(server.cpu_s() - cpu_before)
        times.workers_cpu_s.append(sum(answer["cpu_s"] for answer in answers))
        moved = ask_all(self._workers, "moved")
        if side in self._noised:
            check_pulled(moved)
        else:
            check_round(moved, self._last.get(side), is_sum=side == _BARE)
        self._last[side] = moved[0]["pulled"]


def rounds(peers: Peers, cases: tuple[RoundCase, ...]) -> Iterator[Row]:
    """Yield the seconds of a round of each case, measured in turn with bare gRPC."""
    with RoundRig() as rig:
        rig.add_bare()
        for group in _by_server(cases):
            rig.add(group)
        times = rig.measure((_BARE, *(case.name for case in cases)), NUM_ROUNDS)
        for case in cases:
            rig.check_transport(case)
    for case in cases:
        yield from _rows(case, times)
    if PLAIN in cases and peers.are_wanted:
        yield from peer_rows(peers, PLAIN.case, times[PLAIN.name].seconds)


def _by_server(cases: Sequence[RoundCase]) -> Iterator[list[RoundCase]]:
    for is_tls in (False, True):
        if group := [case for case in cases if (case.transport == "tls") is is_tls]:
            yield group


def _rows(case: RoundCase, times: Mapping[str, Times]) -> Iterator[Row]:
    ours, bare = times[case.name], times[_BARE]
    settings: dict[str, object] = {
        "level": case.level.upper(),
        "codec": case.codec,
        "transport": {"unix": "UNIX socket and shared memory, versions read in place", "tls": "TCP with TLS"}.get(
            case.transport, "TCP"
        ),
        "workers": NUM_WORKERS,
        **ours.told(),
        **bare.told("bare_"),
    }
    if case.closes_at is not None:
        settings["closes_at"] = case.closes_at
    reference = _reference(case, times)
    yield Row.of(case.case, ours.seconds, "s", "lower", goal=case.goal, settings=settings, **reference)
    if case.max_to_bare is not None:
        ratios = [mine / theirs for mine, theirs in zip(ours.seconds, bare.seconds, strict=True)]
        more = {"goal": case.max_to_bare, "settings": {"closes_at": 1.10}}
        yield Row.of(f"{case.case}.to_bare", ratios, "of bare gRPC", "lower", **more)


def _reference(case: RoundCase, times: Mapping[str, Times]) -> dict[str, object]:
    if case.beside in times and case.beside != _BARE:
        return {"reference": "the same without TLS", "reference_value": statistics.median(times[case.beside].seconds)}
    return {"reference": _BARE_NAME, "reference_value": statistics.median(times[_BARE].seconds)}


def _measurement(cases: tuple[RoundCase, ...]) -> Measurement:
    seconds = _START_S + (len(cases) + 1) * (NUM_ROUNDS + _NUM_WARM_UP) * _ROUND_S
    names = tuple(name for case in cases for name in case.cases)
    return Measurement(
        names,
        lambda peers: rounds(peers, cases),
        seconds,
        60.0 if PLAIN in cases else 0.0,
        lambda pattern: _measurement(tuple(case for case in cases if fnmatch.filter(case.cases, pattern))),
    )


ROUND_MEASUREMENTS = (_measurement(CASES), _measurement(PROCESS_CASES))
