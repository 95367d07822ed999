"""What one caller waits for: a batch that is asked for, and an insert beside a reader."""

import statistics
from collections.abc import Iterator

from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.counting import check_full, check_inserts
from heronry.bench.replay.load import Load, Window
from heronry.bench.replay.rates import NUM_WINDOWS, WARM_UP_S
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row

_TABLE = "bench"
_ITEMS = 50_000
_BATCH = 256
_BATCHES = 5_000
_CREDITS = 8
_LONGEST_S = 30.0
LATENCY_CASES = ("replay.sample.small.b256.p50_ms", "replay.sample.small.b256.p99_ms")
MIXED_CASES = ("replay.mixed.mujoco.insert", "replay.mixed.mujoco.sample")
_MIXED_GOALS = {"insert": 80_000.0, "sample": 120_000.0}


def latency(peers: Peers) -> Iterator[Row]:
    """Yield how long a batch takes from the request to its delivery, one at a time, 5,000 of them a repeat.

    The peer has no such mode: its figure is how long its dataset took to give the next batch.
    """
    with Rig(1) as rig:
        rig.create_table(_TABLE, payload="small", items="transition", max_size=_ITEMS)
        load = Load("sample", _TABLE, batch_size=_BATCH, credits=1)
        rig.fill(load, _ITEMS)
        rig.prepare(load)
        rig.figures(WARM_UP_S)
        figures = [rig.figures(_LONGEST_S, _BATCHES * _BATCH) for _ in range(NUM_WINDOWS)]
        check_full(rig.table(_TABLE), _ITEMS)
    arguments = peer.sample("small", "nstep:1", samplers=("uniform",), batch_size=_BATCH, num_items=_ITEMS, chunk=1)
    theirs = peer.run_clients(peers, arguments, (1,)).get((1, "uniform"), {})
    settings = {"credits": 1, "batches": [f.num_items // _BATCH for f in figures], "transport": "TCP over the loopback"}
    for case, share, goal in zip(LATENCY_CASES, ("p50", "p99"), (None, 2.0), strict=True):
        values = [getattr(f, f"{share}_ms") for f in figures]
        more = peer.reference(theirs, f"call_{share}_ms")
        yield Row.of(case, values, "ms", "lower", goal=goal, settings=settings, **more)


def mixed(peers: Peers) -> Iterator[Row]:
    """Yield the rates of two writers and of the reader beside them."""
    with Rig(3) as rig:
        rig.create_table(_TABLE, payload="mujoco", items="transition", max_size=_ITEMS)
        rig.fill(Load("fill", _TABLE, payload="mujoco"), _ITEMS)
        windows = _mixed_windows(rig)
        theirs = peer.run(peers, peer.mixed("mujoco", _BATCH, _ITEMS))
        if theirs:
            windows += _mixed_windows(rig)
    rates = {"insert": [w[0].rate + w[1].rate for w in windows], "sample": [w[2].rate for w in windows]}
    for case, (name, values) in zip(MIXED_CASES, rates.items(), strict=True):
        goal = _MIXED_GOALS[name]
        beside = {f"other_{other}": statistics.median(rates[other]) for other in rates if other != name}
        settings = {"writers": 2, "readers": 1, "credits": _CREDITS, "transport": "TCP over the loopback"}
        more = {"settings": settings | {"closes_at": goal / 2} | beside, **peer.reference(theirs, f"{name}_s")}
        yield Row.of(case, values, "items/s", "higher", goal=goal, **more)


def _mixed_windows(rig: Rig) -> list[list[Window]]:
    before = rig.table(_TABLE)
    writers = [Load("append_steps", _TABLE, payload="mujoco", seed=seed) for seed in range(2)]
    rig.prepare(*writers, Load("sample", _TABLE, payload="mujoco", batch_size=_BATCH, credits=_CREDITS))
    windows = [rig.window(WARM_UP_S), *(rig.window() for _ in range(NUM_WINDOWS))]
    after = rig.table(_TABLE)
    num_steps = sum(w.num_items for window in windows for w in window[:2])
    check_inserts(before, after, items="transition", num_steps=num_steps, num_lanes=2)
    check_full(after, _ITEMS)
    return windows[1:]
