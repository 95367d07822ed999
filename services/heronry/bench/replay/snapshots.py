"""What it costs to save and to load 1 GB, and how long that holds others up."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.counting import check_full
from heronry.bench.replay.load import Load, Window
from heronry.bench.replay.payloads import step_bytes
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row

_TABLE = "bench"
_PAYLOAD = "mujoco"
_GIGABYTES = 1.0
_PEER_GIGABYTES = 0.1
_REPEATS = 3
_WINDOW_S = 0.25
_QUIET_S = 1.0
_NUM_ITEMS = int(_GIGABYTES * 1e9 / step_bytes(_PAYLOAD))
LEVELS = ("memory", "process")
_FIGURES: dict[str, tuple[str, float, str]] = {
    "save_s": ("s", 1.0, "save_s"),
    "load_s": ("s", 1.0, "load_s"),
    "stall_ms": ("ms", 10.0, ""),
    "reader_gap_ms": ("ms", 10.0, ""),
    "writer_gap_ms": ("ms", 10.0, ""),
}
"""Unit, goal, and the peer's field."""
_SECONDS = {"memory": 35.0, "process": 30.0}
_PEER_SECONDS = 25.0
Figures = dict[str, list[float]]


def cases_of(level: str) -> tuple[str, ...]:
    """Return the cases of a level."""
    return tuple(f"replay.snapshot.1gb.{level}.{figure}" for figure in _FIGURES)


def snapshots(peers: Peers, level: str) -> Iterator[Row]:
    """Yield how long 1 GB takes to save and to load, and how long that holds others up.

    `stall_ms` is what the service tells; `reader_gap_ms` and `writer_gap_ms` are the longest that a reader waited
    for a batch, and a writer for 64 steps to be taken, meanwhile: on cores shared with the writing, so the longest
    without a save stands beside them. Loading is from the start of the service's process to the first batch;
    how long the process takes to start without any data stands beside it.
    """
    definition = {"payload": _PAYLOAD, "items": "transition", "max_size": _NUM_ITEMS, "level": level}
    with Rig(3) as rig:
        start_s = rig.server.start_s
        rig.create_table(_TABLE, **definition)
        rig.fill(Load("fill", _TABLE, payload=_PAYLOAD), _NUM_ITEMS)
        figures, quiet = _saves(rig)
        figures["load_s"] = [_load(rig, definition) for _ in range(_REPEATS)]
    theirs = peer.run(peers, peer.checkpoint(_PEER_GIGABYTES))
    settings = {"items": _NUM_ITEMS, "start_without_data_s": start_s, **quiet}
    yield from _rows(level, figures, settings, theirs)


def _saves(rig: Rig) -> tuple[Figures, dict[str, float]]:
    """Save some times beside a reader and a writer; return the figures, and the longest gaps before."""
    loads = (Load("sample", _TABLE, payload=_PAYLOAD, credits=2), Load("append_steps", _TABLE, payload=_PAYLOAD))
    rig.prepare(*loads)
    rig.window(_QUIET_S)
    quiet = rig.window(_QUIET_S)
    figures: Figures = {"save_s": [], "stall_ms": [], "reader_gap_ms": [], "writer_gap_ms": []}
    for _ in range(_REPEATS):
        rig.clients[2].send(snapshot=_TABLE)
        windows = _windows_until_answer(rig)
        told = rig.clients[2].receive()
        figures["save_s"].append(told["seconds"])
        figures["stall_ms"].append(1e3 * told["stall_s"])
        for name, side in (("reader_gap_ms", 0), ("writer_gap_ms", 1)):
            figures[name].append(max(window[side].max_ms for window in windows))
    check_full(rig.table(_TABLE), _NUM_ITEMS)
    return figures, {"reader_gap_without_ms": quiet[0].max_ms, "writer_gap_without_ms": quiet[1].max_ms}


def _windows_until_answer(rig: Rig) -> list[list[Window]]:
    windows: list[list[Window]] = []
    while not windows or not rig.clients[2].has_answered():
        windows.append(rig.window(_WINDOW_S))
    return windows


def _load(rig: Rig, definition: Mapping[str, object]) -> float:
    """Start the service over what was saved; return the seconds until a batch has come."""
    rig.restart()
    created = rig.create_table(_TABLE, **definition)
    check_full(created, _NUM_ITEMS)
    rig.prepare(Load("sample", _TABLE, payload=_PAYLOAD, credits=1))
    (first,) = rig.window(_QUIET_S, max_items=1)
    return float(rig.server.start_s + created["seconds"] + first.seconds)


def _rows(level: str, figures: Figures, settings: Mapping[str, object], theirs: peer.Fields) -> Iterator[Row]:
    scale = _GIGABYTES / _PEER_GIGABYTES
    told = f", {_PEER_GIGABYTES} GB, seconds scaled to {_GIGABYTES:g} GB"
    for case, (figure, (unit, goal, name)) in zip(cases_of(level), _FIGURES.items(), strict=True):
        values: Sequence[float] = figures[figure]
        more = {"goal": goal, "settings": settings, **peer.reference(theirs, name, scale, told)}
        yield Row.of(case, values, unit, "lower", **more)


SNAPSHOT_MEASUREMENTS = tuple(
    Measurement(cases_of(level), partial(snapshots, level=level), _SECONDS[level], _PEER_SECONDS) for level in LEVELS
)
