"""Games of the native core as environments."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from heronry.environments.vector import Bools, Step
from heronry.maths.game_spaces import action_space_of, observation_space_of
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.native.arrays import Bytes, Floats
from heronry.native.games import make_game
from heronry.types.errors import InvalidArgumentError
from heronry.types.tensors import Array

_SEED_BITS: Final = 2**64 - 1


class NativeEnvironment:
    """A `VectorEnvironment` over a native game: an episode that ends begins anew in the same step.

    Attributes:
      game: the lanes themselves, for loops that step and act in one.
    """

    def __init__(self, name: str, num_envs: int, kwargs: Mapping[str, object], num_threads: int = 1) -> None:
        """Make the game.

        Raises:
          EnvironmentNotFoundError: no such game.
          InvalidArgumentError: an option that the game has not, a value out of its range, or lanes
            that are no whole games.
        """
        self.game = make_game(name, num_envs, kwargs, num_threads)
        self._all = np.ones(num_envs, np.bool_)

    @property
    def num_envs(self) -> int:
        return self.game.num_lanes

    @property
    def releases_lock(self) -> bool:
        return self.game.releases_lock

    @property
    def action_mask(self) -> Bools | None:
        return self.game.action_masks() if self.game.info.is_masked else None

    @property
    def observation_space(self) -> ObservationSpace:
        return observation_space_of(self.game.info)

    @property
    def action_space(self) -> ActionSpace:
        return action_space_of(self.game.info)

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin first episodes; of a game with several lanes the first lane's seed counts."""
        if len(seeds) != self.num_envs:
            raise InvalidArgumentError.of("seeds", len(seeds), f"one for each of {self.num_envs} environments")
        return self.game.reset(np.array([int(seed) & _SEED_BITS for seed in seeds], np.uint64))

    def step(self, actions: Array) -> Step:
        """Step every lane; real actions are clipped to their bounds first.

        Raises:
          InvalidArgumentError: actions that the game has not; nothing was done then.
        """
        out = self.game.new_arrays()
        info = self.game.info
        try:
            self.game.step(self._within_bounds(np.ascontiguousarray(actions, info.action_type)), out)
        except (ValueError, IndexError) as error:
            allowed = f"{info.num_actions} choices" if info.num_actions else f"{len(info.action_low)} reals"
            raise InvalidArgumentError.of(f"{info.name}: actions", f"{error}", f"{allowed} in every lane") from error
        return Step(*out, self._all.copy())

    def render(self, lane: int) -> Bytes:
        return self.game.render(lane)

    def close(self) -> None:
        """Do nothing: the lanes go with the object."""

    def _within_bounds(self, actions: Array) -> Array:
        info = self.game.info
        if info.num_actions:
            return actions
        reals: Floats = actions.astype(np.float32, copy=False)
        bounds = np.array([info.action_low, info.action_high], np.float32)
        return np.ascontiguousarray(np.clip(reals.reshape(self.num_envs, -1), *bounds))
