"""Environments with random actions, whatever engine runs them.

Actions are drawn before and rotated: drawing them would cost more than a native step, and a fixed
one would let the branch predictor learn the episode.
"""

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from heronry.bench.fleet.turns import Turn
from heronry.native.games import GAMES, make_game

_NUM_ROTATED = 64
_SEED = 7


def native_turn(name: str, num_lanes: int, num_steps: int = 1) -> Turn:
    """Return a turn of heronry's own game: `num_steps` steps of every lane in one call, one thread."""
    game = make_game(name, num_lanes, {})
    game.reset(np.arange(num_lanes, dtype=np.uint64))
    leading = () if num_steps == 1 else (num_steps,)
    out = game.new_arrays(*leading)
    rotated = _rotated(_game_actions(name, (_NUM_ROTATED, *leading, num_lanes)))

    def turn() -> int:
        game.step(rotated(), out)
        return num_lanes * num_steps

    return turn


def gymnasium_turn(name: str, num_lanes: int) -> Turn:
    """Return a turn of Gymnasium's fastest vector environment of that id."""
    import gymnasium  # as the peer, only where it is measured

    made = gymnasium.registry[name]
    mode = "vector_entry_point" if made.vector_entry_point is not None else "sync"
    environment: Any = gymnasium.make_vec(name, num_envs=num_lanes, vectorization_mode=mode)
    environment.reset(seed=_SEED)
    rotated = _rotated(_space_actions(environment.single_action_space, (_NUM_ROTATED, num_lanes)))

    def turn() -> int:
        environment.step(rotated())
        return num_lanes

    return turn


def pool_turn(name: str, num_lanes: int) -> Turn | None:
    """Return a turn of EnvPool's environment of that id; None where it is not installed, which is told."""
    if not _has("envpool"):
        return None
    import envpool  # as above

    pool: Any = envpool.make(name, env_type="gymnasium", num_envs=num_lanes, seed=_SEED)
    pool.reset()
    drawn = _space_actions(pool.action_space, (_NUM_ROTATED, num_lanes))
    rotated = _rotated(drawn.astype(np.int32) if drawn.dtype == np.int64 else drawn)

    def turn() -> int:
        pool.step(rotated())
        return num_lanes

    return turn


def minatar_turn(name: str) -> Turn | None:
    """Return a turn of one environment of the MinAtar package; None where it is not installed, which is told."""
    if not _has("minatar"):
        return None
    import minatar  # as above

    environment = minatar.Environment(name)
    rotated = _rotated(np.random.default_rng(_SEED).integers(6, size=4096))

    def turn() -> int:
        _, has_ended = environment.act(int(rotated()))
        environment.state()
        if has_ended:
            environment.reset()
        return 1

    return turn


def minatar_acting_turn(name: str, choose: Callable[[np.ndarray[Any, Any]], int]) -> Turn | None:
    """Return a turn of one environment of the MinAtar package with a policy; None where it is not installed."""
    if not _has("minatar"):
        return None
    import minatar  # as above

    environment = minatar.Environment(name)

    def turn() -> int:
        _, has_ended = environment.act(choose(environment.state()))
        if has_ended:
            environment.reset()
        return 1

    return turn


def _has(module: str) -> bool:
    found = importlib.util.find_spec(module) is not None
    if not found:
        sys.stderr.write(f"{module} is not installed; its figures stay empty\n")
    return found


def _game_actions(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    info, generator = GAMES[name], np.random.default_rng(_SEED)
    if info.num_actions:
        return generator.integers(info.num_actions, size=shape)
    return generator.uniform(info.action_low, info.action_high, (*shape, *info.action_shape)).astype(np.float32)


def _space_actions(space: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:  # noqa: ANN401 - the peer's
    generator = np.random.default_rng(_SEED)
    if hasattr(space, "n"):
        return generator.integers(int(space.n), size=shape)
    return generator.uniform(space.low, space.high, (*shape, *space.shape)).astype(space.dtype)


def _rotated(arrays: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401 - rows of whatever was drawn
    position = 0

    def following() -> Any:  # noqa: ANN401 - as above
        nonlocal position
        position = (position + 1) % len(arrays)
        return arrays[position]

    return following
