"""What the log costs an insert, at both of its levels."""

import statistics
from collections.abc import Iterator
from functools import partial

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.replay.counting import check_full, check_inserts
from heronry.bench.replay.load import Load
from heronry.bench.replay.rates import NUM_WINDOWS, WARM_UP_S
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row
from heronry.types.experience import AcknowledgementLevel

_TABLES = {"small": ("transition", 200_000), "mujoco": ("transition", 100_000), "atari": ("nstep3", 20_000)}
"""By payload: name of the pattern, and items."""
_GOALS: dict[str, float | None] = {"process": 0.85, "disk": None}
_SECONDS = 22.0


def cases_of(payload: str) -> tuple[str, ...]:
    """Return the cases of a payload."""
    return tuple(f"replay.log.{payload}.{level}.share" for level in _GOALS)


def log_shares(peers: Peers, payload: str) -> Iterator[Row]:
    """Yield which share of the rate at level MEMORY one writer keeps at the others, step by step appended."""
    del peers
    with Rig(1) as rig:
        rates = _rates_by_level(rig, payload)
    memory = rates["memory"]
    for case, (level, goal) in zip(cases_of(payload), _GOALS.items(), strict=True):
        shares = [ours / base for ours, base in zip(rates[level], memory, strict=True)]
        settings = {"items_per_s": statistics.median(rates[level]), "at_memory": statistics.median(memory)}
        yield Row.of(case, shares, "of MEMORY", "higher", goal=goal, settings=settings)


def _rates_by_level(rig: Rig, payload: str) -> dict[str, list[float]]:
    """Measure the levels in turn, each in a table that is full."""
    rates: dict[str, list[float]] = {level.value: [] for level in AcknowledgementLevel}
    items, max_size = _TABLES[payload]
    for level in rates:
        rig.create_table(level, payload=payload, items=items, max_size=max_size, level=level)
        rig.fill(Load("fill", level, payload=payload), max_size, items)
    for _ in range(NUM_WINDOWS):
        for level, values in rates.items():
            values.append(_rate(rig, level, payload))
    return rates


def _rate(rig: Rig, level: str, payload: str) -> float:
    items, max_size = _TABLES[payload]
    before = rig.table(level)
    rig.prepare(Load("append_steps", level, payload=payload))
    warm_up, figures = rig.figures(WARM_UP_S), rig.figures()
    after = rig.table(level)
    num_steps = warm_up.num_items + figures.num_items
    check_inserts(before, after, items=items, num_steps=num_steps, num_lanes=1)
    check_full(after, max_size)
    return figures.rate


LOG_MEASUREMENTS = tuple(Measurement(cases_of(p), partial(log_shares, payload=p), _SECONDS) for p in _TABLES)
