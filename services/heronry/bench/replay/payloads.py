"""Steps of experience of the sizes that people have, made once and cycled through."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from heronry.types.columns import Columns, ColumnSpec
from heronry.types.tensors import ElementType

Array = npt.NDArray[np.generic]
Step = dict[str, Array]

_SIDE = 84
_COMMON = (
    ColumnSpec("reward", ElementType.FLOAT32, ()),
    ColumnSpec("done", ElementType.BOOL, ()),
)
SPECS: dict[str, tuple[ColumnSpec, ...]] = {
    "small": (ColumnSpec("obs", ElementType.FLOAT32, (4,)), ColumnSpec("action", ElementType.INT32, ()), *_COMMON),
    "mujoco": (
        ColumnSpec("obs", ElementType.FLOAT32, (376,)),
        ColumnSpec("action", ElementType.FLOAT32, (17,)),
        *_COMMON,
    ),
    "atari": (
        ColumnSpec("obs", ElementType.UINT8, (_SIDE, _SIDE)),
        ColumnSpec("action", ElementType.INT32, ()),
        *_COMMON,
    ),
}
"""Columns by payload: 25, 1,577 and 7,065 bytes a step. Of `atari` single frames are sent and stored."""
_NUM_STEPS = {"small": 4096, "mujoco": 4096, "atari": 512}


def num_distinct_steps(payload: str) -> int:
    """Return how many distinct steps the benchmarks cycle through."""
    return _NUM_STEPS[payload]


def step_bytes(payload: str) -> int:
    """Return the bytes of one step as it is sent."""
    return sum(int(np.prod(s.shape)) * s.element_type.dtype.itemsize for s in SPECS[payload])


def columns_of(payload: str, num_steps: int, seed: int) -> Columns:
    """Return `num_steps` steps, `[T, ...]` a column, the same for the same seed."""
    rng = np.random.default_rng(seed)
    if payload == "small":
        obs: Array = rng.standard_normal((num_steps, 4), dtype=np.float32)
        action: Array = rng.integers(0, 4, num_steps, dtype=np.int32)
    elif payload == "mujoco":
        obs = rng.standard_normal((num_steps, 376), dtype=np.float32)
        action = rng.standard_normal((num_steps, 17), dtype=np.float32)
    else:
        obs = atari_frames(num_steps, rng)
        action = rng.integers(0, 18, num_steps, dtype=np.int32)
    reward = rng.standard_normal(num_steps, dtype=np.float32)
    return {"obs": obs, "action": action, "reward": reward, "done": rng.random(num_steps) < 0.005}


def steps_of(columns: Columns) -> Iterator[Step]:
    """Yield step after step of `[T, ...]` columns, over and over: each a new mapping of values just picked.

    So an environment hands its steps over; of `[T, N, ...]` columns they are those of N environments.
    """
    names = tuple(columns)
    while True:
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))


def blocks_of(columns: Columns, num_steps: int, num_lanes: int) -> Sequence[Columns]:
    """Part columns into blocks `[T, N, ...]` of `num_steps` steps of `num_lanes` lanes."""
    size = num_steps * num_lanes
    count = len(columns["reward"]) // size
    return [
        {name: c[i * size : (i + 1) * size].reshape(num_steps, num_lanes, *c.shape[1:]) for name, c in columns.items()}
        for i in range(count)
    ]


def atari_frames(num_frames: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return `[T, 84, 84]` frames with a flat background, a dithered stripe, a score and moving sprites.

    They compress about as well as those of the games do.
    """
    base = np.full((_SIDE, _SIDE), 87, np.uint8)
    base[:14], base[70:], base[30:34, ::3] = 0, 142, 110
    places, speeds = rng.uniform(14, 70, (12, 2)), rng.normal(0, 1.5, (12, 2))
    sprites = rng.integers(100, 255, (12, 6, 5), dtype=np.uint8)
    frames = np.empty((num_frames, _SIDE, _SIDE), np.uint8)
    for frame in frames:
        frame[:] = base
        frame[3:9, 4:36] = rng.integers(0, 2, (6, 32), dtype=np.uint8) * 200
        places += speeds
        speeds[(places < 14) | (places > 76)] *= -1
        places = np.clip(places, 14, 76)
        for (y, x), sprite in zip(places.astype(int), sprites, strict=True):
            frame[y : y + 6, x : x + 5] = sprite
    return frames
