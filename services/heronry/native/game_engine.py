"""What runs a game, in C++ or NumPy."""

from typing import Protocol

from heronry.native.arrays import Array, Bytes, Flags, Floats, Keys, Reals


class GameEngine(Protocol):
    """What both twins offer; `heronry.native.games.Game` says what it means.

    Arguments are positional, arrays contiguous and filled in place.
    """

    def releases_lock(self) -> bool: ...
    def reset(self, seeds: Keys, observations: Array, /) -> None: ...
    def step(
        self,
        actions: Array,
        observations: Array,
        rewards: Floats,
        terminated: Flags,
        truncated: Flags,
        next_observations: Array,
        /,
    ) -> None: ...
    def observe(self, observations: Array, /) -> None: ...
    def save(self, states: Reals, /) -> None: ...
    def load(self, states: Reals, /) -> None: ...
    def action_masks(self, masks: Flags, /) -> None: ...
    def render(self, lane: int, frame: Bytes, /) -> None: ...
