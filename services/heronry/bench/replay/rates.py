"""Items a second and CPU time an item: inserts, samples, priority updates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.load import Load
from heronry.bench.replay.rig import Figures, Rig
from heronry.bench.rows import Row

NUM_WINDOWS = 3
"""Windows of a second before the peer's, and again after them."""
WARM_UP_S = 0.5
_TABLE = "bench"
_CLOSING_SHARE = 0.5


@dataclass(frozen=True)
class RateCase:
    """Clients that all do the same, in a table that was filled before.

    Attributes:
      case: of the row of items a second; those of CPU time and stored bytes have it as their first part.
      items: name of the table's pattern.
      num_items: how many the table holds, which is the most it may hold.
      load: of every client; its table and payload are filled in.
      peer: arguments of the same case of the peer; empty: it has none.
      is_local: over the UNIX socket, and shared memory where the service offers it, in place of TCP.
      max_stored_bytes: goal of the bytes stored a step; None: not a row.
    """

    case: str
    goal: float | None
    payload: str
    items: str
    num_items: int
    load: Load
    num_clients: int = 1
    sampler: str = "uniform"
    peer: tuple[str, ...] = ()
    is_local: bool = False
    max_stored_bytes: float | None = None

    @property
    def cases(self) -> tuple[str, ...]:
        """Its rows' cases."""
        names = [self.case, f"{self.case}.server_cpu_us", f"{self.case}.clients_cpu_us"]
        if self.max_stored_bytes is not None:
            names.append(f"{self.case}.stored_bytes")
        return tuple(names)

    @property
    def measurement(self) -> Measurement:
        """The case as a part of a suite."""
        return Measurement(self.cases, self.run)

    def run(self, peers: Peers) -> Iterator[Row]:
        """Measure, the peer between two halves of ours."""
        with Rig(self.num_clients, is_local=self.is_local) as rig:
            self._prepare(rig)
            figures = [rig.figures() for _ in range(NUM_WINDOWS)]
            theirs = peer.run(peers, self.peer) if self.peer else {}
            if theirs:
                rig.figures(WARM_UP_S)
                figures += [rig.figures() for _ in range(NUM_WINDOWS)]
            yield from self._rows(figures, theirs)
            if self.max_stored_bytes is not None:
                yield self._stored(rig.table(_TABLE))

    def _prepare(self, rig: Rig) -> None:
        rig.create_table(_TABLE, payload=self.payload, items=self.items, max_size=self.num_items, sampler=self.sampler)
        load = replace(self.load, table=_TABLE, payload=self.payload)
        rig.fill(load, self.num_items)
        rig.prepare(*(replace(load, seed=number) for number in range(self.num_clients)))
        rig.figures(WARM_UP_S)

    def _rows(self, figures: Sequence[Figures], theirs: dict[str, float]) -> Iterator[Row]:
        settings: dict[str, object] = {
            "table_items": self.num_items,
            "clients": self.num_clients,
            "transport": "UNIX socket, shared memory" if self.is_local else "TCP loopback",
        }
        if self.load.kind == "sample":
            settings["credits"] = self.load.credits
        rates = [f.rate for f in figures]
        closing = {} if self.goal is None else {"closes_at": self.goal * _CLOSING_SHARE}
        more = {"goal": self.goal, "settings": settings | closing, **peer.reference(theirs, "items_s")}
        yield Row.of(self.case, rates, "items/s", "higher", **more)
        for name in ("server", "clients"):
            values = [getattr(f, f"{name}_cpu_us") for f in figures]
            beside = peer.reference(theirs, f"cpu_{name}_ms_per_1k")
            yield Row.of(f"{self.case}.{name}_cpu_us", values, "us/item", "lower", settings=settings, **beside)

    def _stored(self, counters: dict[str, float]) -> Row:
        value = counters["num_bytes"] / counters["num_items"]
        settings = {"sent_bytes": counters["num_step_bytes"] / counters["num_items"]}
        name = f"{self.case}.stored_bytes"
        return Row.of(name, [value], "bytes/step", "lower", goal=self.max_stored_bytes, settings=settings)
