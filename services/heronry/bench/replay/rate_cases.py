"""The cases of `rates.py`: goals are the whole ones, half of each rate is what closes."""

from heronry.bench.replay import peer
from heronry.bench.replay.load import Load
from heronry.bench.replay.rates import RateCase, RateGroup

_MILLION = 1_000_000
_SMALL_ITEMS = 50_000
_FRAME_ITEMS = 5_000
_SEQUENCES = 500
_INSERT_FRAMES = 20_000
_MAX_FRAME_BYTES = 8_000.0
_VECTOR_CREDITS = 8
_FRAME_CREDITS = 4


def _insert(name: str, goals: dict[int, float], max_stored_bytes: float | None = None) -> tuple[RateCase, ...]:
    load = Load("append_steps", "")
    return tuple(
        RateCase(f"replay.insert.{name}.w{number}", goal, load, number, max_stored_bytes=max_stored_bytes)
        for number, goal in goals.items()
    )


def _sample(name: str, goals: dict[int, float | None], load: Load, sampler: str = "uniform") -> tuple[RateCase, ...]:
    """Return the cases of some numbers of readers; those without a goal are information, without a peer."""
    return tuple(
        RateCase(f"replay.sample.{name}.c{number}", goal, load, number, sampler, has_peer=goal is not None)
        for number, goal in goals.items()
    )


_VECTORS = Load("append_vectors", "", num_lanes=64)
_BATCHES = Load("sample", "", batch_size=256, credits=_VECTOR_CREDITS)
_FRAMES = {
    transport: Load("sample", "", batch_size=32, credits=_FRAME_CREDITS, transport=transport)
    for transport in ("tcp", "unix", "shm")
}
_UPDATES = Load("update_priorities", "", batch_size=256)

INSERT_GROUPS = (
    # As large as the peer's script makes its tables; full, so that every insert puts the oldest item out.
    RateGroup(
        "small",
        "transition",
        _MILLION,
        (
            *_insert("small.step", {1: 250_000.0, 4: 300_000.0}),
            RateCase("replay.insert.small.vector64.w1", 1_000_000.0, _VECTORS, has_peer=False),
        ),
        lambda _: peer.insert("small", "nstep:1", _MILLION),
        fill_s=2.0,
    ),
    RateGroup(
        "mujoco",
        "transition",
        _MILLION,
        _insert("mujoco", {1: 150_000.0, 4: 200_000.0}),
        lambda _: peer.insert("mujoco", "nstep:1", _MILLION),
        fill_s=8.0,
    ),
    RateGroup(
        "atari",
        "nstep3",
        _INSERT_FRAMES,
        _insert("atari.nstep3", {1: 25_000.0, 4: 35_000.0}, _MAX_FRAME_BYTES),
        lambda _: peer.insert("atari", "nstep:3", _INSERT_FRAMES),
    ),
)
SAMPLE_GROUPS = (
    RateGroup(
        "small",
        "transition",
        _SMALL_ITEMS,
        (
            *_sample("small.b256.uniform", {1: 1_000_000.0, 4: 1_200_000.0}, _BATCHES),
            *_sample("small.b256.prioritized", {1: 800_000.0, 4: 800_000.0}, _BATCHES, "prioritized"),
        ),
        lambda samplers: peer.sample(
            "small", "nstep:1", samplers=samplers, batch_size=256, num_items=_SMALL_ITEMS, chunk=1
        ),
    ),
    RateGroup(
        "mujoco",
        "transition",
        _SMALL_ITEMS,
        _sample("mujoco.b256.uniform", {1: 250_000.0, 4: 250_000.0}, _BATCHES),
        lambda samplers: peer.sample(
            "mujoco", "nstep:1", samplers=samplers, batch_size=256, num_items=_SMALL_ITEMS, chunk=1
        ),
    ),
    RateGroup(
        "atari",
        "nstep3",
        _FRAME_ITEMS,
        (
            *_sample("atari.nstep3.b32.tcp", {1: 25_000.0, 4: 25_000.0}, _FRAMES["tcp"]),
            *_sample("atari.nstep3.b32.shm", {1: None}, _FRAMES["shm"]),
        ),
        lambda samplers: peer.sample(
            "atari", "nstep:3", samplers=samplers, batch_size=32, num_items=_FRAME_ITEMS, chunk=0
        ),
    ),
    RateGroup(
        "atari",
        "seq20",
        _SEQUENCES,
        (
            *_sample("atari.seq20.b32.unix", {1: None}, _FRAMES["unix"]),
            *_sample("atari.seq20.b32.shm", {1: 6_000.0, 4: 6_000.0}, _FRAMES["shm"]),
        ),
        lambda samplers: peer.sample(
            "atari", "seq:20:20", samplers=samplers, batch_size=32, num_items=_SEQUENCES, chunk=20
        ),
    ),
)
PRIORITY_GROUP = RateGroup(
    "small",
    "transition",
    _SMALL_ITEMS,
    tuple(
        RateCase(f"replay.priorities.b256.c{number}", goal, _UPDATES, number, "prioritized")
        for number, goal in ((1, 1_500_000.0), (4, 2_000_000.0))
    ),
    lambda _: peer.priorities(256, _SMALL_ITEMS),
)
RATE_GROUPS: tuple[RateGroup, ...] = (*INSERT_GROUPS, *SAMPLE_GROUPS, PRIORITY_GROUP)
