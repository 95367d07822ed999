"""What an item and an idle service cost in memory."""

from collections.abc import Iterator

from heronry.bench.peers import Peers
from heronry.bench.replay import peer
from heronry.bench.replay.load import Load
from heronry.bench.replay.payloads import step_bytes
from heronry.bench.replay.rig import Rig
from heronry.bench.rows import Row

_TABLE = "bench"
_SETTLING_ITEMS = 20_000
"""Inserted before the first look: the service's own buffers are no part of an item."""
_ITEMS = {"small": 1_000_000, "mujoco": 100_000}
_PEER_ITEMS = {"small": 200_000, "mujoco": 50_000}
_GOALS = {"small": 64.0, "mujoco": 1_640.0}
_IDLE = "replay.memory.idle_bytes"
MEMORY_CASES = (_IDLE, *(f"replay.memory.{payload}.bytes_per_item" for payload in _ITEMS))


def resident_bytes(peers: Peers) -> Iterator[Row]:
    """Yield the resident bytes of a service without tables, and what each item of a uniform table adds."""
    theirs: dict[str, float] = {}
    idle: list[float] = []
    for payload, num_items in _ITEMS.items():
        with Rig(1) as rig:
            idle.append(float(rig.server.resident_bytes()))
            value = _bytes_per_item(rig, payload, num_items)
        theirs = peer.run(peers, peer.memory(payload, _PEER_ITEMS[payload]))
        settings = {"items": num_items, "step_bytes": step_bytes(payload), "peer_items": _PEER_ITEMS[payload]}
        more = {"goal": _GOALS[payload], "settings": settings, **peer.reference(theirs, "rss_bytes_per_item")}
        yield Row.of(f"replay.memory.{payload}.bytes_per_item", [value], "bytes", "lower", **more)
    yield Row.of(_IDLE, idle, "bytes", "lower", goal=100e6, **peer.reference(theirs, "server_idle_mb", 1e6))


def _bytes_per_item(rig: Rig, payload: str, num_items: int) -> float:
    rig.create_table(_TABLE, payload=payload, items="transition", max_size=num_items + _SETTLING_ITEMS)
    load = Load("fill", _TABLE, payload=payload)
    rig.fill(load, _SETTLING_ITEMS)
    before = rig.server.resident_bytes(), rig.table(_TABLE)["num_items"]
    rig.fill(load, num_items)
    after = rig.server.resident_bytes(), rig.table(_TABLE)["num_items"]
    added, items = after[0] - before[0], after[1] - before[1]
    return float(added / items)
