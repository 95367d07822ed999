"""Games of several agents in lanes: against games whose every number can be worked out by hand."""

import sys
import types

import numpy as np
import pytest
from gymnasium import spaces

from heronry.environments.engines import lanes_per_environment
from heronry.environments.making import make_environment, read_spaces
from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import Pipelined, VectorEnvironment
from heronry.maths.spaces import ActionSpace
from heronry.types.errors import (
    ConfigurationError,
    EnvironmentFaultError,
    EnvironmentNotFoundError,
    InvalidArgumentError,
)

pettingzoo = pytest.importorskip("pettingzoo")

MODULE = "toy_games"


class Race(pettingzoo.ParallelEnv):
    """Agent i leaves after 2 + i steps, terminated or, the last one, truncated; shows (i, episode, step)."""

    def __init__(self, num_agents=3, render_mode=None):
        self.possible_agents = [f"runner_{i}" for i in range(num_agents)]
        self.render_mode = render_mode
        self.seeds = []

    def observation_space(self, agent):
        return spaces.Box(-np.inf, np.inf, (3,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.seeds.append(seed)
        self.agents = list(self.possible_agents)
        self._step = 0
        return {a: self._shown(a) for a in self.agents}, {a: {} for a in self.agents}

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self._step += 1
        leaving = {a: self._step == 2 + self.possible_agents.index(a) for a in self.agents}
        last = self.possible_agents[-1]
        observations = {a: self._shown(a) for a in self.agents}
        rewards = {a: self._step + actions[a] / 10 for a in self.agents}
        terminated = {a: gone and a != last for a, gone in leaving.items()}
        truncated = {a: gone and a == last for a, gone in leaving.items()}
        infos = {a: {} for a in self.agents}
        self.agents = [a for a in self.agents if not leaving[a]]
        return observations, rewards, terminated, truncated, infos

    def _shown(self, agent):
        return np.array([self.possible_agents.index(agent), len(self.seeds), self._step], np.float32)


class Counter(pettingzoo.AECEnv):
    """Two players say 1 or 2 by turns, at 3 only 1; who makes the sum 4 or more wins 1 from the other."""

    def __init__(self, render_mode=None):
        self.possible_agents = ["first", "second"]
        self.render_mode = render_mode

    def observation_space(self, agent):
        parts = {"observation": spaces.Discrete(6), "action_mask": spaces.Box(0, 1, (2,), np.int8)}
        return spaces.Dict(parts)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def observe(self, agent):
        return {"observation": self._sum, "action_mask": np.array([1, self._sum < 3], np.int8)}

    def reset(self, seed=None, options=None):
        self.agents = list(self.possible_agents)
        self._sum = 0
        self.rewards = dict.fromkeys(self.agents, 0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {a: {} for a in self.agents}
        self.agent_selection = "first"

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent]:
            self._was_dead_step(action)
            return
        other = self.possible_agents[1 - self.possible_agents.index(agent)]
        self._sum += int(action) + 1
        has_ended = self._sum >= 4
        self.rewards = {agent: int(has_ended), other: -int(has_ended)}
        self.terminations = dict.fromkeys(self.agents, has_ended)
        self.agent_selection = other


class Abandoned(Counter):
    """The same game whose players are gone at its end, without a word."""

    def step(self, action):
        super().step(action)
        if self._sum >= 4:
            self.agents = []
            self.terminations, self.truncations = {}, {}


class Unequal(Race):
    def action_space(self, agent):
        return spaces.Discrete(2 + self.possible_agents.index(agent))


class Turns(Counter):
    """The same game where what is said is a real number."""

    def observation_space(self, agent):
        return spaces.Discrete(6)

    def action_space(self, agent):
        return spaces.Box(0, 1, (1,))

    def observe(self, agent):
        return self._sum

    def step(self, action):
        super().step(None if action is None else int(action[0] > 0.5))


class Falling(Race):
    def step(self, actions):
        raise OSError("the game fell over")


@pytest.fixture(autouse=True)
def games(monkeypatch):
    module = types.ModuleType(MODULE)
    module.parallel_env = Race
    for kind in (Race, Counter, Abandoned, Unequal, Turns, Falling):
        setattr(module, kind.__name__, kind)
    monkeypatch.setitem(sys.modules, MODULE, module)


def game(name=None, **kwargs):
    return EnvironmentSettings(f"{MODULE}:{name}" if name else MODULE, kwargs, engine="pettingzoo", isolation="none")


def inner(environment, index):
    return environment.engine._games[index]._environment


def test_lanes_of_one_game_are_adjacent_and_begin_from_its_first_lanes_seed():
    environment = make_environment(game(num_agents=2), 4)

    shown = environment.reset([11, 12, 13, 14])

    assert shown[:, 0].tolist() == [0, 1, 0, 1]
    assert [inner(environment, i).seeds for i in (0, 1)] == [[11], [13]]


def test_an_agent_that_has_left_is_idle_until_the_last_one_leaves():
    environment = make_environment(game(), 3)
    environment.reset([0, 0, 0])

    steps = [environment.step(np.array([0, 1, 0])) for _ in range(5)]

    assert [s.mask.tolist() for s in steps] == [
        [True] * 3,
        [True] * 3,
        [False, True, True],
        [False, False, True],
        [True] * 3,
    ]
    assert [s.terminated.tolist() for s in steps[1:3]] == [[True, False, False], [False, True, False]]
    assert steps[3].truncated.tolist() == [False, False, True]
    assert steps[2].reward.tolist() == [0.0, np.float32(3.1), 3.0]


@pytest.mark.parametrize("kind", [VectorEnvironment, Pipelined])
def test_kinds_of_environments_cannot_be_told_by_reading_their_properties(kind):
    # To read `action_space` may begin an episode, and `isinstance` reads as many as it happens to come by.
    with pytest.raises(TypeError):
        isinstance(object(), kind)


def test_the_successor_of_an_agents_last_step_is_its_final_observation():
    environment = make_environment(game(), 3)
    environment.reset([0, 0, 0])

    steps = [environment.step(np.zeros(3, np.int64)) for _ in range(4)]

    assert steps[1].next_observation[0].tolist() == [0, 1, 2]
    assert steps[3].next_observation[2].tolist() == [2, 1, 4]
    # What is shown then is the next episode's first observation, to all agents.
    assert steps[3].observation.tolist() == [[0, 2, 0], [1, 2, 0], [2, 2, 0]]


def test_each_episode_has_a_seed_of_its_own_that_the_first_one_decides():
    first, second = make_environment(game(), 3), make_environment(game(), 3)
    for environment in (first, second):
        environment.reset([5, 0, 0])
        for _ in range(9):
            environment.step(np.zeros(3, np.int64))

    seeds = inner(first, 0).seeds

    assert seeds == inner(second, 0).seeds
    assert len(set(seeds)) == len(seeds) == 3


def test_one_player_acts_and_the_other_may_only_wait():
    environment = make_environment(game("Counter"), 2)
    environment.reset([0, 0])

    masks = [environment.action_mask.tolist()]
    for actions in ([1, 0], [0, 0], [0, 0]):
        step = environment.step(np.array(actions))
        masks.append(environment.action_mask.tolist())

    wait, free, at_three = [True, False], [True, True], [True, False]
    assert masks == [[free, wait], [wait, free], [at_three, wait], [free, wait]]
    assert step.reward.tolist() == [1.0, -1.0]
    assert step.terminated.tolist() == [True, True]


def test_the_mask_is_no_part_of_what_players_see():
    observation_space, action_space = read_spaces(game("Counter"))

    assert observation_space.shape == (6,)
    assert action_space == ActionSpace("discrete", num_actions=2, is_masked=True)


def test_a_waiting_players_rows_are_transitions_too():
    environment = make_environment(game("Counter"), 2)
    shown = environment.reset([0, 0])

    step = environment.step(np.array([1, 0]))

    assert shown.argmax(axis=1).tolist() == [0, 0]
    assert step.next_observation.argmax(axis=1).tolist() == [2, 2]
    assert step.mask.all()


def test_players_that_are_gone_without_a_word_are_cut_short():
    environment = make_environment(game("Abandoned"), 2)
    environment.reset([1, 1])

    first, second = (environment.step(np.array([1, 1])) for _ in range(2))

    assert not (first.terminated | first.truncated).any()
    assert second.truncated.tolist() == [True, True]
    assert second.terminated.tolist() == [False, False]
    assert second.reward.tolist() == [-1.0, 1.0]


def test_turns_with_reals_have_no_masks():
    environment = make_environment(game("Turns"), 2)
    environment.reset([0, 0])

    steps = [environment.step(np.array([[1.0], [1.0]], np.float32)) for _ in range(2)]

    assert environment.action_mask is None
    assert steps[1].reward.tolist() == [-1.0, 1.0]


def test_as_many_lanes_as_agents_are_needed_to_see_the_spaces():
    assert lanes_per_environment(game(num_agents=3)) == 3
    assert read_spaces(game())[1] == ActionSpace("discrete", num_actions=2)


def test_lanes_that_are_no_whole_games_are_refused():
    with pytest.raises(InvalidArgumentError, match="num_envs: got 4, allowed: a multiple of 3"):
        make_environment(game(), 4)


def test_agents_of_different_kinds_are_refused():
    with pytest.raises(InvalidArgumentError, match="'runner_1' is not like 'runner_0'"):
        make_environment(game("Unequal"), 3)


def test_a_game_that_raises_is_named():
    environment = make_environment(game("Falling"), 6)
    environment.reset(range(6))

    with pytest.raises(EnvironmentFaultError, match=r"index 0, seed 0, episode 0, step 1.*the game fell over"):
        environment.step(np.zeros(6, np.int64))


def test_a_module_without_games_is_refused():
    with pytest.raises(EnvironmentNotFoundError, match="parallel_env or env"):
        make_environment(EnvironmentSettings("math", engine="pettingzoo", isolation="none"), 1)


def test_a_game_whose_own_imports_are_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.delitem(sys.modules, "pettingzoo.classic.rps.rps", raising=False)

    with pytest.raises(ConfigurationError, match="pygame"):
        make_environment(EnvironmentSettings("classic/rps-v2", engine="pettingzoo"), 2)


def test_a_game_that_is_not_registered_names_the_nearest():
    with pytest.raises(EnvironmentNotFoundError, match="'classic/rps-v2'"):
        make_environment(EnvironmentSettings("classic/rps-v9", engine="pettingzoo"), 2)


@pytest.mark.parametrize(("name", "num_steps"), [("classic/rps-v2", 1), ("aec:classic/rps-v2", 2)])
def test_pettingzoos_own_game_is_played(name, num_steps):
    pytest.importorskip("pygame")
    environment = make_environment(EnvironmentSettings(name, engine="pettingzoo"), 2)
    environment.reset([0, 0])

    rewards = [environment.step(np.array([1, 0])).reward.tolist() for _ in range(num_steps)]

    # Paper wraps rock; who acts second says what its own turn asked for.
    assert rewards == [[0.0, 0.0]] * (num_steps - 1) + [[1.0, -1.0]]
