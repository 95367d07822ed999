"""The cases of `rates.py`: goals are the whole ones, half of each rate is what closes."""

from heronry.bench.replay import peer
from heronry.bench.replay.load import Load
from heronry.bench.replay.rates import RateCase

_SMALL_ITEMS = 50_000
_FRAME_ITEMS = 5_000
_SEQUENCES = 500
_INSERT_SIZES = {"small": 200_000, "mujoco": 100_000, "atari": 20_000}
_MAX_FRAME_BYTES = 8_000.0


def _insert(name: str, goals: dict[int, float], payload: str, items: str, peer_items: str) -> list[RateCase]:
    size = _INSERT_SIZES[payload]
    return [
        RateCase(
            f"replay.insert.{name}.w{num}",
            goal,
            payload,
            items,
            size,
            Load("append_steps", ""),
            num,
            peer=peer.insert(payload, peer_items, num, size),
            max_stored_bytes=_MAX_FRAME_BYTES if payload == "atari" else None,
        )
        for num, goal in goals.items()
    ]


def _sample(
    payload: str, goals: dict[int, float], *, sampler: str = "uniform", batch_size: int = 256
) -> list[RateCase]:
    return [
        RateCase(
            f"replay.sample.{payload}.b{batch_size}.{sampler}.c{num}",
            goal,
            payload,
            "transition",
            _SMALL_ITEMS,
            Load("sample", "", batch_size=batch_size, credits=8),
            num,
            sampler,
            peer.sample(payload, "nstep:1", num, table=sampler, batch_size=batch_size, num_items=_SMALL_ITEMS, chunk=1),
        )
        for num, goal in goals.items()
    ]


def _frames(name: str, goals: dict[int, float | None], *, items: str, is_local: bool) -> list[RateCase]:
    is_sequence = items == "seq20"
    num_items = _SEQUENCES if is_sequence else _FRAME_ITEMS
    peer_items, chunk = ("seq:20:20", 20) if is_sequence else ("nstep:3", 0)
    return [
        RateCase(
            f"replay.sample.atari.{items}.b32.{name}.c{num}",
            goal,
            "atari",
            items,
            num_items,
            Load("sample", "", batch_size=32, credits=2),
            num,
            peer=peer.sample(
                "atari", peer_items, num, table="uniform", batch_size=32, num_items=num_items, chunk=chunk
            ),
            is_local=is_local,
        )
        for num, goal in goals.items()
    ]


_VECTORS = RateCase(
    "replay.insert.small.vector64.w1",
    1_000_000.0,
    "small",
    "transition",
    _INSERT_SIZES["small"],
    Load("append_vectors", "", num_lanes=64),
)
_PRIORITIES = [
    RateCase(
        f"replay.priorities.b256.c{num}",
        goal,
        "small",
        "transition",
        _SMALL_ITEMS,
        Load("update_priorities", ""),
        num,
        "prioritized",
        peer.priorities(num, 256, _SMALL_ITEMS),
    )
    for num, goal in ((1, 1_500_000.0), (4, 2_000_000.0))
]
RATE_CASES: tuple[RateCase, ...] = (
    *_insert("small.step", {1: 250_000.0, 4: 300_000.0}, "small", "transition", "nstep:1"),
    _VECTORS,
    *_insert("mujoco", {1: 150_000.0, 4: 200_000.0}, "mujoco", "transition", "nstep:1"),
    *_insert("atari.nstep3", {1: 25_000.0, 4: 35_000.0}, "atari", "nstep3", "nstep:3"),
    *_sample("small", {1: 1_000_000.0, 4: 1_200_000.0}),
    *_sample("small", {1: 800_000.0, 4: 800_000.0}, sampler="prioritized"),
    *_sample("mujoco", {1: 250_000.0, 4: 250_000.0}),
    *_frames("tcp", {1: 25_000.0, 4: 25_000.0}, items="nstep3", is_local=False),
    *_frames("shm", {1: 30_000.0}, items="nstep3", is_local=True),
    *_frames("shm", {1: 6_000.0, 4: 6_000.0}, items="seq20", is_local=True),
    *_frames("tcp", {1: None}, items="seq20", is_local=False),
    *_PRIORITIES,
)
