"""What the twins of all games share: episodes, limits, checks. A game's own module knows its rules alone."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from heronry.native.arrays import Array, Bytes, Flags, Floats, Indices, Keys, Reals
from heronry.native.twins.arguments import require
from heronry.native.twins.games.info import GameInfo
from heronry.native.twins.games.random import Random


class HostedGame(ABC):
    """N lanes of one game. Rules work on games `which`: a game is a lane, or several adjacent ones."""

    info: GameInfo

    def __init__(self, num_lanes: int, options: Mapping[str, float]) -> None:
        self.info = self.info_with(options)
        self.num_lanes = num_lanes
        self.num_games = num_lanes // self.info.lanes_per_game
        self.random = Random(self.num_games)
        self._seeds = np.zeros(self.num_games, np.uint64)
        self._episodes = np.zeros(self.num_games, np.uint64)
        self._steps = np.zeros(self.num_games, np.int64)
        self.prepare(options)
        self._begin(np.arange(self.num_games), np.arange(0, num_lanes, self.info.lanes_per_game, dtype=np.uint64))

    @classmethod
    def info_with(cls, options: Mapping[str, float]) -> GameInfo:
        """Return what these options make of the game; sizes may depend on them."""
        del options
        return cls.info

    @abstractmethod
    def prepare(self, options: Mapping[str, float]) -> None:
        """Read the options, make the state of `num_games` games."""

    @abstractmethod
    def begin_games(self, which: Indices) -> None:
        """Put these games at the beginning of an episode, by draws from `random`."""

    @abstractmethod
    def step_games(self, actions: Array) -> tuple[Array, Flags]:
        """Step every game; return rewards by lane and, by game, whether it is over.

        Args:
          actions: `[num_games]`, or `[num_games, lanes_per_game]`, or reals `[num_games, components]`.
        """

    @abstractmethod
    def observe_games(self, which: Indices) -> Array:
        """Return what the lanes of these games see, `[games * lanes_per_game, ...]`."""

    @abstractmethod
    def save_games(self) -> Reals:
        """Return the games' state but for the steps of the episode, `[num_games, fields]`."""

    @abstractmethod
    def load_games(self, states: Reals) -> None:
        """Take over what `save_games` returned."""

    @abstractmethod
    def draw_game(self, index: int, frame: Bytes) -> None:
        """Paint `[height, width, 3]`."""

    def mask_games(self) -> Flags:
        """Return which choices are allowed, `[num_lanes, num_actions]`."""
        return np.ones((self.num_lanes, self.info.num_actions), np.bool_)

    def releases_lock(self) -> bool:
        """Return False: NumPy's calls are many and short."""
        return False

    def reset(self, seeds: Keys, observations: Array) -> None:
        """Begin first episodes."""
        require(seeds=(seeds, np.uint64))
        if seeds.shape != (self.num_lanes,):
            raise ValueError("not one seed for every lane")
        self._check_observations(observations, self.num_lanes)
        self._begin(np.arange(self.num_games), seeds[:: self.info.lanes_per_game])
        self.observe(observations)

    def step(
        self,
        actions: Array,
        observations: Array,
        rewards: Floats,
        terminated: Flags,
        truncated: Flags,
        next_observations: Array,
    ) -> None:
        """Step once, or several times where the arrays hold several rows of lanes."""
        require(rewards=(rewards, np.float32), terminated=(terminated, np.bool_), truncated=(truncated, np.bool_))
        num_rows = rewards.size
        if num_rows % self.num_lanes:
            raise ValueError("not one reward for every lane")
        if terminated.size != num_rows or truncated.size != num_rows:
            raise ValueError("not as many flags as rewards")
        self._check_actions(actions, num_rows)
        for shown in (observations, next_observations):
            self._check_observations(shown, num_rows)
        rows = (-1, self.num_lanes)
        shape = (*rows, *self.info.observation_shape)
        outputs = (rewards.reshape(rows), terminated.reshape(rows), truncated.reshape(rows))
        shown, successors = observations.reshape(shape), next_observations.reshape(shape)
        for t, chosen in enumerate(actions.reshape(*rows, *self.info.action_shape)):
            self._step(chosen, shown[t], successors[t], *(output[t] for output in outputs))

    def observe(self, observations: Array) -> None:
        """Show every lane's state."""
        self._check_observations(observations, self.num_lanes)
        shape = (self.num_lanes, *self.info.observation_shape)
        observations.reshape(shape)[:] = self.observe_games(np.arange(self.num_games)).reshape(shape)

    def save(self, states: Reals) -> None:
        """Fill `[num_lanes, fields]`."""
        require(states=(states, np.float64))
        self._check_states(states)
        fields = np.column_stack([self.save_games(), self._steps])
        states[:] = np.repeat(fields, self.info.lanes_per_game, axis=0)

    def load(self, states: Reals) -> None:
        """Take over the states; of a game with several lanes its first one's."""
        require(states=(states, np.float64))
        self._check_states(states)
        if not np.isfinite(states).all() or not ((states[:, -1] >= 0) & (states[:, -1] < 2**31)).all():
            raise ValueError("states that are not finite, or steps below 0")
        fields = states[:: self.info.lanes_per_game]
        self.load_games(fields[:, :-1])
        self._steps[:] = fields[:, -1].astype(np.int64)

    def action_masks(self, masks: Flags) -> None:
        """Fill `[num_lanes, num_actions]`."""
        require(masks=(masks, np.bool_))
        if masks.shape != (self.num_lanes, self.info.num_actions):
            raise ValueError("masks of another shape than [lanes, actions]")
        masks[:] = self.mask_games()

    def render(self, lane: int, frame: Bytes) -> None:
        """Paint a lane's game."""
        require(frame=(frame, np.uint8))
        if lane >= self.num_lanes:
            raise IndexError("a lane that the game has not")
        if frame.size != np.prod(self.info.frame_shape):
            raise ValueError("a frame of another shape")
        self.draw_game(lane // self.info.lanes_per_game, frame.reshape(self.info.frame_shape))

    def _step(
        self, actions: Array, shown: Array, successors: Array, rewards: Floats, terminated: Flags, truncated: Flags
    ) -> None:
        lanes = self.info.lanes_per_game
        gains, over = self.step_games(actions.reshape(self.num_games, lanes) if lanes > 1 else actions)
        self._steps += 1
        late = self._steps >= self.info.time_limit
        rewards[:] = gains
        terminated[:], truncated[:] = np.repeat(over, lanes), np.repeat(late, lanes)
        self.observe(successors)
        shown[:] = successors
        ended = np.flatnonzero(over | late)
        if len(ended):
            self._begin(ended, self._seeds[ended], self._episodes[ended] + np.uint64(1))
            by_game = shown.reshape(self.num_games, lanes, *self.info.observation_shape)
            by_game[ended] = self.observe_games(ended).reshape(len(ended), *by_game.shape[1:])

    def _begin(self, which: Indices, seeds: Keys, episodes: Keys | None = None) -> None:
        self._seeds[which] = seeds
        self._episodes[which] = 0 if episodes is None else episodes
        self._steps[which] = 0
        self.random.begin(which, self._seeds[which], self._episodes[which])
        self.begin_games(which)

    def _check_actions(self, actions: Array, num_rows: int) -> None:
        require(actions=(actions, self.info.action_type))
        if actions.size != num_rows * (len(self.info.action_low) or 1):
            raise ValueError("not one action for every lane")
        if not self.info.num_actions:
            if np.isnan(actions).any():
                raise ValueError("an action that is not a number")
        elif (actions.view(np.uint64) >= np.uint64(self.info.num_actions)).any():  # below 0 is far above
            raise IndexError("an action that the game has not")

    def _check_observations(self, observations: Array, num_rows: int) -> None:
        require(observations=(observations, self.info.observation_type))
        if observations.size != num_rows * int(np.prod(self.info.observation_shape)):
            raise ValueError("observations of another shape than the game's")

    def _check_states(self, states: Reals) -> None:
        if states.shape != (self.num_lanes, len(self.info.state_fields)):
            raise ValueError("states of another shape than the game's")
