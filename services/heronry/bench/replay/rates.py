"""Items a second and CPU time an item: inserts, samples, priority updates."""

import fnmatch
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.counting import MiscountError, check_full, check_inserts
from heronry.bench.replay.load import TRANSPORTS, Load
from heronry.bench.replay.rig import Figures, Rig
from heronry.bench.rows import Row

NUM_WINDOWS = 3
"""Windows of a second."""
PAIRED_WINDOWS = 2
"""Before the peer's, and again after them."""
WARM_UP_S = 0.5
_CLOSING_SHARE = 0.5
_PREPARE_S = 0.6
_PEER_WINDOWS_S = 5.0
PeerArguments = Callable[[Sequence[str]], tuple[str, ...]]


@dataclass(frozen=True)
class RateCase:
    """Clients that all do the same.

    Attributes:
      case: of the row of items a second; those of CPU time and stored bytes have it as their first part.
      load: of every client; its table and payload are filled in.
      sampler: of the table it works on.
      has_peer: whether the peer has this case.
      max_stored_bytes: goal of the bytes stored a step; None: not a row.
    """

    case: str
    goal: float | None
    load: Load
    num_clients: int = 1
    sampler: str = "uniform"
    has_peer: bool = True
    max_stored_bytes: float | None = None

    @property
    def cases(self) -> tuple[str, ...]:
        """Its rows' cases."""
        names = [self.case, f"{self.case}.server_cpu_us", f"{self.case}.clients_cpu_us"]
        if self.max_stored_bytes is not None:
            names.append(f"{self.case}.stored_bytes")
        return tuple(names)


@dataclass(frozen=True)
class RateGroup:
    """Cases over tables that are alike but for their sampler, one server for all of them.

    Ours are measured one after the other, then those of the peer in one process, then ours again.

    Attributes:
      payload, items: of the tables: of the steps, and name of the pattern.
      num_items: how many a table holds, which is the most it may hold; it is full before anything is timed.
      peer_arguments: returns the peer's arguments for some samplers; None: it has none of the cases.
      fill_s: about how long a table takes to fill.
      peer_fill_s: about how long the peer takes to start and to fill its tables.
    """

    payload: str
    items: str
    num_items: int
    cases: tuple[RateCase, ...]
    peer_arguments: PeerArguments | None = None
    fill_s: float = 0.5
    peer_fill_s: float = 12.0

    @property
    def measurement(self) -> Measurement:
        """The cases as a part of a suite."""
        paired = [c for c in self.cases if c.has_peer] if self.peer_arguments else []
        again_s = len(paired) * (_PREPARE_S + WARM_UP_S + 2 * PAIRED_WINDOWS - NUM_WINDOWS)
        num_peers = len({_key(case) for case in paired})
        return Measurement(
            tuple(name for case in self.cases for name in case.cases),
            self.run,
            seconds=3.0 + self.fill_s * len(self._samplers) + len(self.cases) * (_PREPARE_S + WARM_UP_S + NUM_WINDOWS),
            peer_seconds=self.peer_fill_s + num_peers * _PEER_WINDOWS_S + again_s if paired else 0.0,
            narrow=lambda pattern: self.only(pattern).measurement,
        )

    def only(self, pattern: str) -> "RateGroup":
        """Return the group with those cases alone of which a row matches."""
        return replace(self, cases=tuple(c for c in self.cases if fnmatch.filter(c.cases, pattern)))

    def run(self, peers: Peers) -> Iterator[Row]:
        """Measure all cases."""
        with Rig(max(case.num_clients for case in self.cases)) as rig:
            for sampler in self._samplers:
                self._fill(rig, sampler)
            is_paired = peers.are_wanted and self.peer_arguments is not None
            figures = [
                self._measure(rig, case, PAIRED_WINDOWS if is_paired and case.has_peer else NUM_WINDOWS)
                for case in self.cases
            ]
            theirs = self._peers_figures(peers)
            for case, ours in zip(self.cases, figures, strict=True):
                if case.has_peer and is_paired:
                    ours += self._measure(rig, case, PAIRED_WINDOWS)
            for case, ours in zip(self.cases, figures, strict=True):
                beside = theirs.get(_key(case), {}) if case.has_peer else {}
                yield from self._rows(case, ours, beside)
                if case.max_stored_bytes is not None:
                    yield _stored(case, rig.table(case.sampler))

    @property
    def _samplers(self) -> list[str]:
        return sorted({case.sampler for case in self.cases}, reverse=True)

    def _peers_figures(self, peers: Peers) -> dict[tuple[int, str], peer.Fields]:
        cases = [case for case in self.cases if case.has_peer]
        if self.peer_arguments is None or not cases:
            return {}
        samplers = sorted({case.sampler for case in cases})
        numbers = sorted({case.num_clients for case in cases})
        lines = peer.run_clients(peers, self.peer_arguments(samplers), numbers)
        return {(number, table or samplers[0]): fields for (number, table), fields in lines.items()}

    def _fill(self, rig: Rig, sampler: str) -> None:
        rig.create_table(sampler, payload=self.payload, items=self.items, max_size=self.num_items, sampler=sampler)
        rig.fill(Load("fill", sampler, payload=self.payload), self.num_items, self.items)

    def _measure(self, rig: Rig, case: RateCase, num_windows: int) -> list[Figures]:
        load = replace(case.load, table=case.sampler, payload=self.payload)
        before = rig.table(case.sampler)
        rig.prepare(*(replace(load, seed=number) for number in range(case.num_clients)))
        warm_up = rig.figures(WARM_UP_S)
        figures = [rig.figures() for _ in range(num_windows)]
        after = rig.table(case.sampler)
        if load.kind.startswith("append"):
            num_steps = warm_up.num_items + sum(f.num_items for f in figures)
            num_lanes = case.num_clients * load.num_lanes
            check_inserts(before, after, items=self.items, num_steps=num_steps, num_lanes=num_lanes)
        check_full(after, self.num_items)
        if load.transport == "shm" and not all(c.ask(mapped_slots=None)["has_slots"] for c in rig.working):
            raise MiscountError(f"{case.case}: batches do not come by shared memory")
        return figures

    def _rows(self, case: RateCase, figures: Sequence[Figures], theirs: peer.Fields) -> Iterator[Row]:
        settings: dict[str, object] = {
            "table_items": self.num_items,
            "clients": case.num_clients,
            "transport": TRANSPORTS[case.load.transport],
        }
        if case.load.kind == "sample":
            settings["credits"] = case.load.credits
        closing = {} if case.goal is None else {"closes_at": case.goal * _CLOSING_SHARE}
        more = {"goal": case.goal, "settings": settings | closing, **peer.reference(theirs, "items_s")}
        yield Row.of(case.case, [f.rate for f in figures], "items/s", "higher", **more)
        for name in ("server", "clients"):
            values = [getattr(f, f"{name}_cpu_us") for f in figures]
            beside = peer.reference(theirs, f"cpu_{name}_ms_per_1k")
            yield Row.of(f"{case.case}.{name}_cpu_us", values, "us/item", "lower", settings=settings, **beside)


def _key(case: RateCase) -> tuple[int, str]:
    return case.num_clients, case.sampler


def _stored(case: RateCase, counters: dict[str, float]) -> Row:
    value = counters["num_bytes"] / counters["num_items"]
    settings = {"sent_bytes": counters["num_step_bytes"] / counters["num_items"]}
    name = f"{case.case}.stored_bytes"
    return Row.of(name, [value], "bytes/step", "lower", goal=case.max_stored_bytes, settings=settings)
