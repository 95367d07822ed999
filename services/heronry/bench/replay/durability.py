"""What keeping experience costs: snapshots, and the log at both of its levels."""

import statistics
from collections.abc import Iterator

from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.load import Load
from heronry.bench.replay.payloads import step_bytes
from heronry.bench.replay.rates import NUM_WINDOWS, WARM_UP_S
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row
from heronry.types.experience import AcknowledgementLevel

_TABLE = "bench"
_GIGABYTES = 1.0
_READING_S = 0.5
"""How long the reader goes on, at the least, from just before a save on."""
_SNAPSHOT = "replay.snapshot.1gb"
SNAPSHOT_CASES = tuple(f"{_SNAPSHOT}.{figure}" for figure in ("save_s", "stall_ms", "reader_gap_ms", "load_s"))
_LOG_PAYLOADS = {"small": 200_000, "mujoco": 100_000}
_LOG_GOALS: dict[str, float | None] = {"process": 0.85, "disk": None}


def log_case(payload: str, level: str) -> str:
    """Return the case of a level; that of the larger steps has the short name."""
    return f"replay.log.{level}.share" if payload == "mujoco" else f"replay.log.{level}.{payload}.share"


LOG_CASES = tuple(log_case(payload, level) for payload in _LOG_PAYLOADS for level in _LOG_GOALS)


def snapshots(peers: Peers) -> Iterator[Row]:
    """Yield how long 1 GB takes to save and to load, and how long that holds others up.

    `stall_ms` is what the service tells; `reader_gap_ms` the longest that a reader waited for a batch meanwhile,
    on cores shared with the writing. Loading is from the call that makes the table to its answer.
    """
    num_items = int(_GIGABYTES * 1e9 / step_bytes("mujoco"))
    saves, stalls, gaps, loads = [], [], [], []
    with Rig(2) as rig:
        definition = {"payload": "mujoco", "items": "transition", "max_size": num_items}
        rig.create_table(_TABLE, **definition)
        reader = Load("sample", _TABLE, payload="mujoco", credits=2)
        rig.fill(reader, num_items)
        rig.clients[0].ask(prepare=reader.fields())
        for _ in range(NUM_WINDOWS):
            rig.clients[1].send(snapshot=_TABLE)
            gaps.append(rig.clients[0].ask(run={"seconds": _READING_S, "max_items": None})["max_ms"])
            told = rig.clients[1].receive()
            saves.append(told["seconds"])
            stalls.append(1e3 * told["stall_s"])
        for _ in range(NUM_WINDOWS):
            rig.restart()
            loads.append(rig.create_table(_TABLE, **definition)["seconds"])
        num_loaded = rig.table(_TABLE)["num_items"]
    theirs = peer.run(peers, peer.checkpoint(_GIGABYTES))
    settings = {"items": num_items, "items_loaded": num_loaded}
    for case, values, unit, goal, name in zip(
        SNAPSHOT_CASES,
        (saves, stalls, gaps, loads),
        ("s", "ms", "ms", "s"),
        (1.0, 10.0, None, 1.0),
        ("save_s", "", "", "load_s"),
        strict=True,
    ):
        more = {"goal": goal, "settings": settings, **peer.reference(theirs, name)}
        yield Row.of(case, values, unit, "lower", **more)


def log_shares(peers: Peers) -> Iterator[Row]:
    """Yield which share of the rate at level MEMORY one writer keeps at the others, step by step appended."""
    del peers
    for payload, max_size in _LOG_PAYLOADS.items():
        with Rig(1) as rig:
            rates = _rates_by_level(rig, payload, max_size)
        memory = rates["memory"]
        for level, goal in _LOG_GOALS.items():
            shares = [ours / base for ours, base in zip(rates[level], memory, strict=True)]
            settings = {"items_per_s": statistics.median(rates[level]), "at_memory": statistics.median(memory)}
            case = log_case(payload, level)
            yield Row.of(case, shares, "of MEMORY", "higher", goal=goal, settings=settings)


def _rates_by_level(rig: Rig, payload: str, max_size: int) -> dict[str, list[float]]:
    """Measure the levels in turn, each in a table that is full."""
    rates: dict[str, list[float]] = {level.value: [] for level in AcknowledgementLevel}
    loads = {level: Load("append_steps", level, payload=payload) for level in rates}
    for level, load in loads.items():
        rig.create_table(level, payload=payload, items="transition", max_size=max_size, level=level)
        rig.fill(load, max_size)
    for _ in range(NUM_WINDOWS):
        for level, load in loads.items():
            rig.prepare(load)
            rig.figures(WARM_UP_S)
            rates[level].append(rig.figures().rate)
    return rates
