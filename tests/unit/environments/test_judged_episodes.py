"""Judged episodes of every engine: one a lane, each from its own seed, counted to its first end."""

import importlib.util
import sys
import types

import numpy as np
import pytest

from heronry.environments.settings import EnvironmentSettings
from heronry.environments.vector import Step
from heronry.fleet.core import evaluation
from heronry.fleet.core.judged_episodes import make_episodes
from heronry.fleet.core.judged_lanes import CartPoleEpisodes, SingleEpisodes, VectorEpisodes
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import EnvironmentFaultError


def lengths(episodes, seeds):
    """Play with action 0, or the least that is allowed; return each lane's steps until its first end."""
    shown = episodes.begin(seeds)
    counted = np.zeros(len(shown), int)
    is_live = np.ones(len(shown), bool)
    while is_live.any():
        mask = episodes.action_mask
        nothing = np.zeros((len(shown), *episodes.spaces[1].shape), np.int64)
        actions = nothing if mask is None else mask.argmax(axis=1)
        _, _, ended = episodes.step(actions)
        counted += is_live
        is_live &= ~ended
    return counted.tolist()


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (EnvironmentSettings("CartPole-v1"), CartPoleEpisodes),
        (EnvironmentSettings("CartPole-v1", engine="native"), VectorEpisodes),
        (EnvironmentSettings("Taxi-v4"), SingleEpisodes),
    ],
)
def test_gymnasiums_ids_are_judged_by_gymnasium_unless_the_engine_is_named(settings, kind):
    assert isinstance(make_episodes(settings, 2), kind)


@pytest.mark.parametrize("name", ["Counting", "Masked", "MaskInObservation", "Composite"])
def test_an_episode_lasts_as_its_seed_says(name, toys):
    episodes = make_episodes(toys(name), 3)

    assert lengths(episodes, [5, 6, 8]) == [2, 3, 5]


def test_the_lanes_of_a_vector_factory_are_judged(toys):
    episodes = make_episodes(toys("vector", mode="SAME_STEP"), 3)

    assert isinstance(episodes, VectorEpisodes)
    assert lengths(episodes, [5, 6, 8]) == [2, 3, 5]


@pytest.mark.skipif(importlib.util.find_spec("envpool") is None, reason="EnvPool is not installed")
def test_a_pools_lanes_are_judged_from_their_own_seeds():
    episodes = make_episodes(EnvironmentSettings("CartPole-v1", engine="envpool"), 3)

    first, second = lengths(episodes, [1, 2, 3]), lengths(episodes, [3, 2, 1])

    assert first == second[::-1]


def test_several_agents_make_whole_games(monkeypatch):
    pettingzoo = pytest.importorskip("pettingzoo")
    spaces = pytest.importorskip("gymnasium").spaces

    class Pair(pettingzoo.ParallelEnv):
        possible_agents = ("left", "right")

        def observation_space(self, agent):
            return spaces.Discrete(2)

        def action_space(self, agent):
            return spaces.Discrete(2)

        def reset(self, seed=None, options=None):
            self.agents, self._left = list(self.possible_agents), seed % 5 + 1
            return dict.fromkeys(self.agents, 0), {}

        def step(self, actions):
            self._left -= 1
            ended = dict.fromkeys(self.agents, self._left == 0)
            seen, rewards = dict.fromkeys(self.agents, 1), dict.fromkeys(self.agents, 1.0)
            self.agents = [] if self._left == 0 else self.agents
            return seen, rewards, ended, dict.fromkeys(ended, False), {}

    monkeypatch.setitem(sys.modules, "pairs", types.ModuleType("pairs"))
    sys.modules["pairs"].Pair = Pair
    episodes = make_episodes(EnvironmentSettings("pairs:Pair", engine="pettingzoo", isolation="none"), 3)

    # Games begin from the seeds of their first lanes: 11 and 13.
    assert lengths(episodes, [11, 12, 13]) == [2, 2, 4, 4]


class Dying:
    """Episodes of three steps, each worth 1; its second lane dies in the second step, and begins anew."""

    num_envs = 2
    observation_space = ObservationSpace((4,))
    action_space = ActionSpace("discrete", num_actions=2)
    action_mask = None

    def reset(self, seeds):
        self._num_steps, self._left = 0, np.array([3, 3])
        return np.zeros((2, 4), np.float32)

    def step(self, actions):
        self._num_steps += 1
        lost = np.array([False, self._num_steps == 2])
        self._left = np.where(lost, 3, self._left - 1)
        shown, ended = np.zeros((2, 4), np.float32), self._left == 0
        return Step(shown, np.where(lost, 0, 1).astype(np.float32), ended, ended & False, shown, ~lost, lost)

    def close(self):
        """Hold nothing."""


def test_an_environment_that_dies_while_it_is_judged_plays_another_episode(monkeypatch):
    monkeypatch.setattr(evaluation, "make_episodes", lambda *_: VectorEpisodes(Dying()))
    tensors = network_for("ppo", Layers((4,)), Dying.observation_space, Dying.action_space).init(
        np.random.default_rng(0)
    )

    results = evaluation.evaluate_policy(
        EnvironmentSettings("mortal"), {"hidden": [4], "activation": "tanh"}, tensors, 2, 7
    )

    assert results.returns == (3.0, 3.0)
    assert results.lengths == (3, 3)


def test_a_single_environment_that_raises_while_it_is_judged_is_named(toys, toy_module, monkeypatch):
    monkeypatch.setattr(toy_module.Counting, "reward", lambda self, action: 1 / (self._seed - 8))
    episodes = make_episodes(toys("Counting"), 3)
    episodes.begin([5, 6, 8])

    with pytest.raises(EnvironmentFaultError, match=r"index 2, seed 8, episode 0, step 1.*ZeroDivisionError"):
        episodes.step(np.zeros(3, np.int64))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("nan_reward", "returned the reward nan"),
        ("nan", "showed nan at position 1 of its observation"),
        ("shape", "showed what its space does not hold"),
        ("raise", "raised ValueError in step()"),
    ],
)
def test_what_a_single_environment_does_wrong_while_it_is_judged_is_named(fault, said, toys, toy_module, monkeypatch):
    monkeypatch.setattr(toy_module.Faulty, "is_due", property(lambda self: (self._seed, self._step) == (6, 2)))
    episodes = make_episodes(toys("Faulty", fault=fault), 3)
    episodes.begin([5, 6, 7])
    episodes.step(np.zeros(3, np.int64))

    with pytest.raises(EnvironmentFaultError) as caught:
        episodes.step(np.zeros(3, np.int64))

    assert said in caught.value.message
    assert [caught.value.details[name] for name in ("index", "seed", "step")] == ["1", "6", "2"]
