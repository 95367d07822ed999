"""PettingZoo's games in lanes: those of one game are adjacent, one an agent."""

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from heronry.environments.agents import Game, Outcome
from heronry.environments.codecs import ActionCodec, MaskReader, ObservationCodec
from heronry.environments.faults import LaneFault, fault_of
from heronry.environments.pictures import Picture, picture_of
from heronry.environments.vector import Bools, Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.tensors import Array, FloatArray


class GamesOfAgents:
    """A `VectorEnvironment` of games that begin anew in the step in which their last agent leaves.

    An agent whose part ends earlier is idle until then: its rows are outside `mask`. One that waits
    for its turn takes part: it gets rewards, and where actions are choices its only one is 0.
    Raises `LaneFault` for what a game does wrong.

    Attributes:
      at_work: the lane that was asked last, and whether for a reset.

    Args:
      games: have as many agents each.
      spaces: observation and action space of every agent, as Gymnasium has them.
      takes_turns: whether agents wait for each other.
    """

    def __init__(self, games: Sequence[Game], spaces: tuple[Any, Any], *, takes_turns: bool) -> None:
        self._games = list(games)
        self._num_agents = len(self._games[0].agents)
        self._actions = ActionCodec(spaces[1])
        self._observations = ObservationCodec(spaces[0], self._actions.space)
        self._masks = MaskReader(spaces[0], self._actions.space)
        self._is_masked: bool | None = None
        if takes_turns or not self._masks.can_be_masked:
            self._is_masked = self._masks.can_be_masked
        self._allowed: Bools = np.ones((self.num_envs, max(1, self._actions.space.num_logits)), np.bool_)
        self._shown: Array = np.zeros((self.num_envs, *self._observations.space.shape), np.float32)
        self._seeds = [0] * len(self._games)
        self._episodes = [0] * len(self._games)
        self.at_work: tuple[int, bool] | None = None

    @property
    def num_envs(self) -> int:
        return len(self._games) * self._num_agents

    @property
    def releases_lock(self) -> bool:
        return False

    @property
    def action_mask(self) -> Bools | None:
        return self._allowed.copy() if self._is_masked else None

    @property
    def observation_space(self) -> ObservationSpace:
        return self._observations.space

    @property
    def action_space(self) -> ActionSpace:
        """Of one agent; resets the games if they never were."""
        if self._is_masked is None:
            self.reset([0] * self.num_envs)
        return self._actions.space.with_mask(is_masked=bool(self._is_masked))

    def reset(self, seeds: Sequence[int]) -> Array:
        """Begin the first episodes; the seed of a game is that of its first lane."""
        self._seeds = [int(seed) for seed in seeds[:: self._num_agents]]
        self._episodes = [0] * len(self._games)
        self._shown = np.zeros((self.num_envs, *self._observations.space.shape), self._observations.space.element_type)
        given = [self._begin(index) for index in range(len(self._games))]
        if self._is_masked is None:
            self._is_masked = any(given)
        return self._shown.copy()

    def step(self, actions: Array) -> Step:
        executed = self._actions.encode_each(actions)
        reward: FloatArray = np.zeros(self.num_envs, np.float32)
        terminated, truncated, mask = (np.zeros(self.num_envs, np.bool_) for _ in range(3))
        successors = self._shown.copy()
        self._shown = successors.copy()
        for index, game in enumerate(self._games):
            first = index * self._num_agents
            lanes = slice(first, first + self._num_agents)
            played = np.array(game.playing)
            outcome = self._played(game, index, executed[lanes])
            mask[lanes] = played
            reward[lanes] = np.where(played, outcome.rewards, 0.0)
            terminated[lanes] = played & np.array(outcome.terminated)
            truncated[lanes] = played & np.array(outcome.truncated) & ~terminated[lanes]
            # One that joins now sees its first observation, of which no row has come yet.
            self._encode(index, outcome, played | np.array(game.playing), successors)
            if any(game.playing):
                self._shown[lanes] = successors[lanes]
                self._allow(index, outcome)
            else:
                self._begin(index)
        return Step(self._shown.copy(), reward, terminated, truncated, successors, mask)

    def render(self, lane: int) -> Picture:
        game = self._games[lane // self._num_agents]
        return picture_of(game.render, type(game).__name__)

    def close(self) -> None:
        with contextlib.ExitStack() as closing:
            # All of them, also where one raises.
            for game in self._games:
                closing.callback(game.close)

    def _played(self, game: Game, index: int, actions: Sequence[Any]) -> Outcome:
        acting = index * self._num_agents + next((i for i, may in enumerate(game.may_act) if may), 0)
        self.at_work = acting, False
        try:
            return game.step(actions)
        except BaseException as error:
            raise fault_of(error, acting, "step()") from error

    def _begin(self, index: int) -> bool:
        """Begin a game's next episode; tell whether it says what is allowed."""
        episode = self._episodes[index]
        self._episodes[index] += 1
        self.at_work = index * self._num_agents, True
        try:
            outcome = self._games[index].reset(_episode_seed(self._seeds[index], episode))
        except BaseException as error:
            raise fault_of(error, index * self._num_agents, "reset()") from error
        playing = np.array(self._games[index].playing)
        if not playing.any():
            raise LaneFault(index * self._num_agents, "began an episode without agents")
        self._encode(index, outcome, playing, self._shown)
        return self._allow(index, outcome)

    def _encode(self, index: int, outcome: Outcome, played: Bools, rows: Array) -> None:
        """Write what agents see into `rows`; one that sees nothing keeps what it saw last."""
        for agent in np.flatnonzero(played):
            if outcome.observations[agent] is None:
                continue
            lane = index * self._num_agents + int(agent)
            try:
                rows[lane] = self._observations.encode_each([outcome.observations[agent]])[0]
            except Exception as error:
                raise LaneFault(lane, f"showed what its space does not hold: {error}") from error

    def _allow(self, index: int, outcome: Outcome) -> bool:
        """Note what agents may do next; tell whether the game has said it."""
        if not self._masks.can_be_masked:
            return False
        game = self._games[index]
        has_told = False
        for agent, may_act in enumerate(game.may_act):
            lane = index * self._num_agents + agent
            if not may_act:
                self._allowed[lane] = self._waiting()
                continue
            told = self._told(lane, outcome.observations[agent], outcome.infos[agent])
            has_told |= told is not None
            self._allowed[lane] = True if told is None else told
        return has_told

    def _told(self, lane: int, observation: Any, info: Any) -> Bools | None:  # noqa: ANN401 - any environment's
        try:
            return self._masks.row(observation, info)
        except BaseException as error:
            raise fault_of(error, lane, "its action mask") from error

    def _waiting(self) -> Bools:
        """Return the mask of action 0 alone, in every component."""
        row = np.zeros(self._actions.space.num_logits, np.bool_)
        row[np.concatenate([[0], np.cumsum(self._actions.space.num_choices)[:-1]]).astype(np.int64)] = True
        return row


def _episode_seed(seed: int, episode: int) -> int:
    """Return the seed itself for the first episode, others of its own for the next.

    Without one, many games draw it from the operating system, and no run could be repeated.
    """
    return seed if episode == 0 else int(np.random.SeedSequence([seed, episode]).generate_state(1)[0] >> 1)
