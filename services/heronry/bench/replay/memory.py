"""What an item and an idle service cost in memory."""

from collections.abc import Iterator
from functools import partial

from heronry.bench.measurement import Measurement
from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.counting import check_full
from heronry.bench.replay.load import Load
from heronry.bench.replay.payloads import step_bytes
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row

_TABLE = "bench"
_SETTLING_ITEMS = 20_000
"""Inserted before the first look: the service's own buffers are no part of an item."""
_SURPLUS = 0.2
"""Of the items, inserted once the table is full: what eviction costs is there too."""
_ITEMS = {"small": 1_000_000, "mujoco": 100_000}
_PEER_ITEMS = {"small": 200_000, "mujoco": 50_000}
_GOALS: dict[str, float | None] = {"small": 64.0, "mujoco": None}
_IDLE = "replay.memory.idle_bytes"


def _case(payload: str) -> str:
    return f"replay.memory.{payload}.bytes_per_item"


def resident_bytes(peers: Peers, payload: str) -> Iterator[Row]:
    """Yield what each item of a full uniform table adds to resident bytes; those of a service without tables, once."""
    num_items = _ITEMS[payload]
    with Rig(1) as rig:
        idle = float(rig.server.resident_bytes())
        value = _bytes_per_item(rig, payload, num_items)
    theirs = peer.run(peers, peer.memory(payload, _PEER_ITEMS[payload]))
    settings = {"items": num_items, "step_bytes": step_bytes(payload), "peer_items": _PEER_ITEMS[payload]}
    more = {"goal": _GOALS[payload], "settings": settings, **peer.reference(theirs, "rss_bytes_per_item")}
    yield Row.of(_case(payload), [value], "bytes", "lower", **more)
    if payload == "small":
        yield Row.of(_IDLE, [idle], "bytes", "lower", goal=100e6, **peer.reference(theirs, "server_idle_mb", 1e6))


def _bytes_per_item(rig: Rig, payload: str, num_items: int) -> float:
    rig.create_table(_TABLE, payload=payload, items="transition", max_size=num_items)
    load = Load("fill", _TABLE, payload=payload)
    rig.fill(load, _SETTLING_ITEMS)
    before = rig.server.resident_bytes(), rig.table(_TABLE)["num_items"]
    rig.fill(load, int(num_items * (1 + _SURPLUS)))
    after = rig.table(_TABLE)
    check_full(after, num_items)
    return float((rig.server.resident_bytes() - before[0]) / (after["num_items"] - before[1]))


MEMORY_MEASUREMENTS = (
    Measurement((_IDLE, _case("small")), partial(resident_bytes, payload="small"), 8.0, 25.0),
    Measurement((_case("mujoco"),), partial(resident_bytes, payload="mujoco"), 5.0, 15.0),
)
