"""One client that pulls or pushes 40 MB at a time, beside C++ and beside the copy of the same bytes.

A version's messages are kept once they are cut, as those of the C++ server are.

Floors: over TCP two copies through the kernel and one into place; by shared memory one copy, or none in place.
"""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from heronry.bench.measurement import Measurement
from heronry.bench.params import cpp_grpc
from heronry.bench.params.checks import MiscountError
from heronry.bench.params.processes import ParamsServer, Worker
from heronry.bench.peers import Peers
from heronry.bench.rows import Row

NUM_FLOATS = 10_000_000
_NUM_VERSIONS = 4
_NUM_TURNS = 3
_NUM_TCP_TURNS = 7
_NUM_TRANSFERS = 5
_NEVER_FULL = 1_000_000
_GOALS = {"pull": 0.85, "push": 0.75}
_CLOSES_AT = {"pull": 0.75, "push": 0.65}
_CLOSES_AT_RATE = 1.0
_TCP_SECONDS = 20.0
_TCP_SETTINGS = {"clients": 1, "transport": "TCP", "codec": "f32", "level": "MEMORY", "malloc": "documented"}
_CPP_SECONDS = 28.0
IN_PLACE_SIZES = {"4mb": 1_000_000, "40mb": 10_000_000, "400mb": 100_000_000}
_SHARED_SECONDS = {"4mb": 3.0, "40mb": 6.0, "400mb": 20.0}
_COPIED = "params.pull.40mb.shm.copied"
Seconds = list[float]


def tcp_cases(direction: str) -> tuple[str, ...]:
    """Return the rows of a direction."""
    case = f"params.{direction}.40mb.tcp"
    return case, f"{case}.of_cpp", f"{case}.default_malloc"


FIRST_PULL = "params.pull.40mb.tcp.first"
"""Of versions that nobody pulled before: the service cuts their messages meanwhile."""


def in_place_case(size: str) -> str:
    """Return the row of a size."""
    return f"params.pull.{size}.shm.in_place"


class TransferRig:
    """A service and one client with a model; use as `with`."""

    def __init__(self, num_floats: int, num_versions: int, *, is_unix: bool = False, has_malloc: bool = True) -> None:
        self._num_bytes = 4 * num_floats
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="heronry-bench-")))
            self.server = stack.enter_context(ParamsServer(folder / "params", has_malloc=has_malloc))
            self.client = stack.enter_context(Worker("transfer_worker", has_malloc=has_malloc))
            address = self.server.unix_address if is_unix else self.server.tcp_address
            model = {"address": address, "model": "pulled", "num_floats": num_floats}
            # One contribution makes a version here; what is pushed later, to another model, stays in its open round.
            self.client.ask("prepare", **model, num_versions=num_versions, num_contributions=1)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def prepare_pushes(self, num_floats: int) -> None:
        """Turn to a model that publishes nothing more."""
        model = {"address": self.server.tcp_address, "model": "pushed", "num_floats": num_floats}
        told = self.client.ask("prepare", **model, num_versions=1, num_contributions=_NEVER_FULL)
        self._number = told["number"]

    def rates(self, direction: str, num_transfers: int, *, is_newest: bool = True) -> list[float]:
        """Return gigabytes a second of each transfer; a pull is of the newest version, or of the older ones in turn.

        One more comes before them, as C++ has it: who had the machine meanwhile has emptied its caches.
        """
        if direction == "pull":
            told = self.client.ask(
                "pulls", num_transfers=1 + num_transfers, copied=False, shared=False, is_newest=is_newest
            )
        else:
            told = self.client.ask("pushes", num_transfers=1 + num_transfers)
        return [self._num_bytes / seconds / 1e9 for seconds in told["seconds"][1:]]

    def check_pushes(self, expected: int) -> None:
        """Check that so many contributions wait in the open round of the second model.

        Raises:
          MiscountError: there are more or less, or a version was made.
        """
        counters = self.client.ask("counters")
        if (counters["num_pending"], counters["number"]) != (expected, self._number):
            raise MiscountError(f"{counters} after {expected} contributions")


def tcp(peers: Peers, direction: str) -> Iterator[Row]:
    """Yield the rate of transfers over TCP: with the malloc settings of services on both sides, and without."""
    program = cpp_grpc.compiled(peers)
    ours: list[float] = []
    plain: list[float] = []
    theirs: list[float] = []
    first: list[float] = []
    with ExitStack() as stack:
        rigs = [stack.enter_context(TransferRig(NUM_FLOATS, _NUM_VERSIONS, has_malloc=m)) for m in (True, False)]
        ceiling = stack.enter_context(cpp_grpc.CppCeiling(program) if program else nullcontext())
        if direction == "push":
            for rig in rigs:
                rig.prepare_pushes(NUM_FLOATS)
        for rig in rigs:
            rig.rates(direction, _NUM_VERSIONS)
        for _ in range(_NUM_TCP_TURNS):
            ours += rigs[0].rates(direction, _NUM_TRANSFERS)
            plain += rigs[1].rates(direction, _NUM_TRANSFERS)
            if direction == "pull":
                first += rigs[0].rates(direction, _NUM_TRANSFERS, is_newest=False)
            theirs += [ceiling.gigabytes_per_s(direction, _NUM_TRANSFERS)] if ceiling else []
        if direction == "push":
            rigs[0].check_pushes(1 + _NUM_VERSIONS + _NUM_TCP_TURNS * (1 + _NUM_TRANSFERS))
    yield from tcp_rows(direction, ours, plain, theirs)
    if first:
        yield Row.of(FIRST_PULL, first, "GB/s", "higher", settings=_TCP_SETTINGS)


def tcp_rows(direction: str, ours: Sequence[float], plain: Sequence[float], theirs: Sequence[float]) -> Iterator[Row]:
    """Yield the rows of a direction: transfers of every turn, and the other's median of each turn."""
    case, share_case, plain_case = tcp_cases(direction)
    beside = {"reference": cpp_grpc.NAME, "reference_value": statistics.median(theirs)} if theirs else {}
    more = {"goal": _CLOSES_AT_RATE, "settings": _TCP_SETTINGS, **beside}
    yield Row.of(case, ours, "GB/s", "higher", **more)
    if theirs:
        turns = [ours[i * _NUM_TRANSFERS : (i + 1) * _NUM_TRANSFERS] for i in range(len(theirs))]
        shares = [statistics.median(turn) / other for turn, other in zip(turns, theirs, strict=True)]
        closing = {"closes_at": _CLOSES_AT[direction]}
        yield Row.of(share_case, shares, "of C++", "higher", goal=_GOALS[direction], settings=closing)
    yield Row.of(plain_case, plain, "GB/s", "higher", settings=_TCP_SETTINGS | {"malloc": "glibc's defaults"}, **beside)


def shared(peers: Peers, size: str) -> Iterator[Row]:
    """Yield the seconds until a version of another process can be read in place; of 40 MB the rate of a copy, too."""
    del peers
    num_floats = IN_PLACE_SIZES[size]
    num_versions = 2 if size == "400mb" else _NUM_VERSIONS
    in_place: Seconds = []
    copied: Seconds = []
    copies: Seconds = []
    with TransferRig(num_floats, num_versions, is_unix=True) as rig:
        for turn in range(_NUM_TURNS + 1):
            pulled = rig.client.ask("pulls", num_transfers=_NUM_TRANSFERS, copied=False, shared=True)["seconds"]
            with_copy = rig.client.ask("pulls", num_transfers=_NUM_TRANSFERS, copied=True, shared=True)["seconds"]
            plain = rig.client.ask("copies", num_transfers=_NUM_TRANSFERS)["seconds"]
            if turn:
                in_place, copied, copies = in_place + pulled, copied + with_copy, copies + plain
    settings = {"clients": 1, "transport": "UNIX socket and shared memory", "level": "MEMORY"}
    beside = {"reference": "memcpy of as many bytes", "reference_value": statistics.median(copies)}
    yield Row.of(in_place_case(size), in_place, "s", "lower", goal=1e-3, settings=settings, **beside)
    if size == "40mb":
        rates, limits = ([4 * num_floats / s / 1e9 for s in seconds] for seconds in (copied, copies))
        beside = {"reference": "memcpy", "reference_value": statistics.median(limits)}
        yield Row.of(_COPIED, rates, "GB/s", "higher", goal=5.0, settings=settings, **beside)


TRANSFER_MEASUREMENTS = (
    Measurement((*tcp_cases("pull"), FIRST_PULL), partial(tcp, direction="pull"), _TCP_SECONDS, _CPP_SECONDS),
    Measurement(tcp_cases("push"), partial(tcp, direction="push"), _TCP_SECONDS, _CPP_SECONDS),
    *(
        Measurement((in_place_case(size), *((_COPIED,) if size == "40mb" else ())), partial(shared, size=size), seconds)
        for size, seconds in _SHARED_SECONDS.items()
    ),
)
