"""Twins of games whose rules work on one game at a time, in Python."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Indices, Reals
from heronry.native.twins.games.hosted import HostedGame
from heronry.native.twins.games.random import Random

StateT = TypeVar("StateT")
_INT32 = np.iinfo(np.int32)


class Stream(Protocol):
    """An episode's random numbers."""

    def below(self, bound: int) -> int:
        """Return one of 0 to bound - 1."""
        ...

    def uniform(self) -> float:
        """Return one of [0, 1)."""
        ...


class Outcome(NamedTuple):
    """What a step brought: a reward for each player, and whether the game is over."""

    rewards: tuple[float, ...]
    terminated: bool


class Rules(Protocol[StateT]):
    """One game at a time; a state is changed in place and saved as whole numbers."""

    def new_state(self) -> StateT:
        """Return the state before the first draw."""
        ...

    def begin(self, state: StateT, random: Stream) -> None:
        """Make of a new state an episode's first."""
        ...

    def step(self, state: StateT, actions: Sequence[int], random: Stream) -> Outcome:
        """Play one step, with an action of each player."""
        ...

    def observe(self, state: StateT) -> Bytes:
        """Return what the players see, `[players, ...]`."""
        ...

    def mask(self, state: StateT) -> Flags:
        """Return which choices the players have, `[players, num_actions]`."""
        ...

    def words(self, state: StateT) -> list[int]:
        """Return the state as whole numbers."""
        ...

    def state_of(self, words: list[int]) -> StateT:
        """Return the state that `words` returned.

        Raises:
          ValueError: a state that the game cannot be in.
        """
        ...

    def draw(self, state: StateT, frame: Bytes) -> None:
        """Paint `[height, width, 3]`."""
        ...


class _LaneStream:
    """One game's part of the streams."""

    def __init__(self, random: Random, index: int) -> None:
        self._random = random
        self._which = np.array([index])

    def below(self, bound: int) -> int:
        return int(self._random.below(self._which, bound)[0])

    def uniform(self) -> float:
        return float(self._random.uniforms(self._which)[0])


class OneByOneGame(HostedGame, Generic[StateT]):
    """N lanes; the games of a row are played one after the other."""

    @abstractmethod
    def make_rules(self, options: Mapping[str, float]) -> Rules[StateT]:
        """Return the rules with these options."""

    def prepare(self, options: Mapping[str, float]) -> None:
        """Make a state for each game."""
        self.rules = self.make_rules(options)
        self._states = [self.rules.new_state() for _ in range(self.num_games)]
        self._streams = [_LaneStream(self.random, index) for index in range(self.num_games)]

    def begin_games(self, which: Indices) -> None:
        """Put these games at the beginning of an episode."""
        for i in which.tolist():
            self._states[i] = self.rules.new_state()
            self.rules.begin(self._states[i], self._streams[i])

    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Step every game."""
        chosen = actions.reshape(self.num_games, -1).tolist()
        played = [self.rules.step(*each) for each in zip(self._states, chosen, self._streams, strict=True)]
        rewards = np.array([outcome.rewards for outcome in played], np.float32).reshape(-1)
        return rewards, np.array([outcome.terminated for outcome in played])

    def observe_games(self, which: Indices) -> Array:
        """Return what the lanes of these games see."""
        return np.concatenate([self.rules.observe(self._states[i]) for i in which.tolist()])

    def mask_games(self) -> Flags:
        """Return which choices are allowed."""
        return np.concatenate([self.rules.mask(state) for state in self._states])

    def save_games(self) -> Reals:
        """Return the states' words and how many random words the episode drew."""
        words = np.array([self.rules.words(state) for state in self._states], np.float64)
        return np.column_stack([words, self.random.num_drawn])

    def load_games(self, states: Reals) -> None:
        """Take over all, or nothing where a state is not allowed."""
        if not ((states[:, :-1] >= _INT32.min) & (states[:, :-1] <= _INT32.max)).all():
            raise ValueError("a state that the game cannot be in")
        self._states = [self.rules.state_of(words) for words in states[:, :-1].astype(np.int64).tolist()]
        self.random.num_drawn[:] = states[:, -1].astype(np.uint64)

    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint a game."""
        self.rules.draw(self._states[index], frame)
