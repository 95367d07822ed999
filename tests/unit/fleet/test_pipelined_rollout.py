"""Environments that step by themselves give the same unrolls, and their faults have the same names."""

import importlib.util
import itertools

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from heronry.environments.checked_pipeline import CheckedPipeline
from heronry.environments.making import make_environment
from heronry.environments.pool import Pool
from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.actor import ActorSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.lane_settings import LaneSettings
from heronry.fleet.core.lanes import make_actor
from heronry.fleet.core.pipelined_rollout import PipelinedRollout
from heronry.fleet.core.rollout import Rollout
from heronry.fleet.core.side_by_side import SideBySide
from heronry.fleet.core.unroll import empty_columns
from heronry.maths.networks import Layers, network_for
from heronry.types.columns import ColumnSpec, column_specs, successors
from heronry.types.errors import EnvironmentFaultError, InvalidArgumentError
from heronry.types.tensors import ElementType

NUM_STEPS = 7
SEEDS = [5, 7, 6]


class SentEngine(SyncVectorEnv):
    """Gymnasium's environments under the two calls by which a pool is stepped."""

    def __init__(self, make):
        super().__init__([make] * len(SEEDS), autoreset_mode=AutoresetMode.NEXT_STEP)
        self.num_sent = 0
        self._sent = None

    def send(self, actions):
        assert self._sent is None, "a step was begun before the last had come to its end"
        self.num_sent += 1
        self._sent = actions

    def recv(self):
        actions, self._sent = self._sent, None
        return self.step(actions)


class Bad(gymnasium.Wrapper):
    """Shows or rewards what is no number in the second step of the second episode of seed 7."""

    def __init__(self, env, shows=0.0, rewards=0.0):
        super().__init__(env)
        self._shows, self._rewards = shows, rewards

    def step(self, action):
        observation, reward, *rest = self.env.step(action)
        if tuple(observation) == (7, 1, 2):
            return observation + self._shows, reward + self._rewards, *rest
        return observation, reward, *rest


class BadReal(Bad):
    """The same with an action of one real."""

    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)

    def step(self, action):
        return super().step(0)


def rollout_of(make, kind, may_go_on=lambda: True):
    engine = SentEngine(make)
    environment = CheckedPipeline(Pool(engine), "counting", first_index=10)
    spaces = environment.observation_space, environment.action_space
    policy = BehaviourPolicy.of_spaces("ppo", Layers((4,)), spaces)
    policy.load(network_for("ppo", Layers((4,)), *spaces).init(np.random.default_rng(0)))
    rollout = kind(environment, policy, itertools.count().__next__, may_go_on)
    rollout.reset(SEEDS)
    return engine, policy, rollout


def columns_of(policy, rollout, num_unrolls, is_continuous=False):
    rng = np.random.default_rng(3)
    action = ((1,), "float32") if is_continuous else ((), "int64")
    shapes = {
        "observation": ((3,), "float32"), "next_observation": ((3,), "float32"), "action": action,
        "reward": ((), "float32"), "terminated": ((), "bool"), "truncated": ((), "bool"), "mask": ((), "bool"),
        "log_probability": ((), "float32"),
    }  # fmt: skip
    specs = tuple(ColumnSpec(name, ElementType.of(kind), shape) for name, (shape, kind) in shapes.items())
    unrolls = []
    for _ in range(num_unrolls):
        columns = empty_columns(specs, NUM_STEPS, len(SEEDS), shares_successors=rollout.shares_successors)
        unrolls.append((columns, rollout.collect(columns, policy.draw(NUM_STEPS, len(SEEDS), rng))))
    return unrolls


@pytest.fixture
def counting(counting_module):
    return counting_module.CountingEnvironment


def test_the_unrolls_are_those_of_steps_one_by_one(counting):
    _, policy, one_by_one = rollout_of(counting, Rollout)
    _, other_policy, pipelined = rollout_of(counting, PipelinedRollout)

    expected = columns_of(policy, one_by_one, 3)
    collected = columns_of(other_policy, pipelined, 3)

    for (mine, _), (theirs, _) in zip(collected, expected, strict=True):
        for name in theirs:
            np.testing.assert_array_equal(mine[name], theirs[name], err_msg=name)
    assert any(columns["truncated"].any() for columns, _ in collected)
    assert not all(columns["mask"].all() for columns, _ in collected)


def test_halves_that_are_pipelined_share_what_follows_with_what_is_shown(counting):
    _, policy, first = rollout_of(counting, PipelinedRollout)
    _, other_policy, second = rollout_of(counting, PipelinedRollout)
    both = SideBySide(first, second, (len(SEEDS), len(SEEDS)))
    ((alone, _),) = columns_of(*rollout_of(counting, PipelinedRollout)[1:], 1)
    assert both.shares_successors
    assert not SideBySide(first, rollout_of(counting, Rollout)[2], (3, 3)).shares_successors
    specs = column_specs(alone)
    columns = empty_columns(specs, NUM_STEPS, 2 * len(SEEDS), shares_successors=both.shares_successors)

    drawn = [p.draw(NUM_STEPS, len(SEEDS), np.random.default_rng(3)) for p in (policy, other_policy)]
    both.collect(columns, {name: np.concatenate([d[name] for d in drawn], axis=1) for name in drawn[0]})

    assert successors(columns) == {"next_observation": "observation"}
    for name, array in alone.items():
        np.testing.assert_array_equal(columns[name][:, : len(SEEDS)], array, err_msg=name)
        np.testing.assert_array_equal(columns[name][:, len(SEEDS) :], array, err_msg=name)


def test_columns_that_do_not_share_what_is_shown_are_refused(counting):
    _, policy, rollout = rollout_of(counting, PipelinedRollout)
    ((shared, _),) = columns_of(policy, rollout, 1)

    with pytest.raises(ValueError, match="empty_columns"):
        rollout.collect(
            {name: array.copy() for name, array in shared.items()}, policy.draw(1, 3, np.random.default_rng())
        )


def test_the_time_of_policy_and_environments_is_told_apart(counting):
    _, policy, rollout = rollout_of(counting, PipelinedRollout)

    ((_, collected),) = columns_of(policy, rollout, 1)

    # The clock ticks once a reading, and is read three times a step.
    assert (collected.inference_time_s, collected.environment_time_s) == (NUM_STEPS, NUM_STEPS)


def test_an_unroll_that_is_given_up_leaves_no_step_under_way(counting):
    answers = iter([True] * 4 + [False] + [True] * NUM_STEPS)
    engine, policy, rollout = rollout_of(counting, PipelinedRollout, lambda: next(answers))

    (_, given_up), (columns, collected) = columns_of(policy, rollout, 2)

    assert given_up is None
    assert collected is not None
    assert engine.num_sent == 4 + NUM_STEPS
    # Seed 6 shows its first episode of 3 steps, ended in the third; the fourth row began another.
    np.testing.assert_array_equal(columns["observation"][0, 2], [6, 1, 0])


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"shows": np.nan}, "showed nan at position 0 of its observation"),
        ({"rewards": np.inf}, "returned the reward inf"),
    ],
)
@pytest.mark.parametrize("kind", [Rollout, PipelinedRollout])
def test_a_fault_is_named_by_its_own_step(bad, what, kind, counting):
    # Seed 7 begins with an episode of 4 steps, another step resets; the second one goes wrong in its second step.
    _, policy, rollout = rollout_of(lambda: Bad(counting(), **bad), kind)

    with pytest.raises(EnvironmentFaultError) as caught:
        columns_of(policy, rollout, 2)

    assert what in caught.value.message
    named = {name: caught.value.details[name] for name in ("index", "seed", "episode", "step")}
    assert named == {"index": "11", "seed": "7", "episode": "1", "step": "2"}


def test_observations_that_are_no_numbers_are_blamed_not_the_actions_they_led_to(counting):
    _, policy, rollout = rollout_of(lambda: BadReal(counting(), shows=np.nan), PipelinedRollout)

    with pytest.raises(EnvironmentFaultError, match="showed nan"):
        columns_of(policy, rollout, 2, is_continuous=True)


class Falling(gymnasium.Wrapper):
    """Raises in the first step of the third episode of seed 7."""

    def step(self, action):
        observation, *rest = self.env.step(action)
        if tuple(observation) == (7, 2, 1):
            raise OSError("the game fell over")
        return observation, *rest


def stepped(make, num_steps):
    """Environments that have taken steps which nobody has asked about."""
    environment = CheckedPipeline(Pool(SentEngine(make)), "counting")
    environment.reset(SEEDS)
    for _ in range(num_steps):
        environment.send(np.zeros(3, np.int64))
        environment.receive()
    return environment


@pytest.mark.parametrize(("rewards", "what"), [(0.0, "the game fell over"), (np.inf, "reward inf")])
def test_what_went_wrong_first_is_told_when_something_raises(rewards, what, counting):
    # Seed 7: four steps, one that resets, the bad one is the second and last of the next episode, one that resets.
    environment = stepped(lambda: Falling(Bad(counting(), rewards=rewards)), 8)

    environment.send(np.zeros(3, np.int64))
    with pytest.raises(EnvironmentFaultError, match=what) as caught:
        environment.receive()

    assert environment.work is None
    # Which lane raised Gymnasium does not tell.
    if rewards:
        named = {name: caught.value.details[name] for name in ("index", "seed", "episode", "step")}
        assert named == {"index": "1", "seed": "7", "episode": "1", "step": "2"}


def test_a_fault_leaves_nothing_to_wait_for(counting):
    environment = stepped(lambda: Bad(counting(), rewards=np.inf), 7)
    environment.send(np.zeros(3, np.int64))
    assert environment.work is not None

    with pytest.raises(EnvironmentFaultError):
        environment.outcomes()

    assert environment.work is None


def test_what_hangs_is_named_by_the_episode_that_nobody_has_asked_about(counting):
    # Seed 5 has an episode of two steps, and the third reset.
    environment = stepped(counting, 5)
    environment.send(np.zeros(3, np.int64))

    fault = environment.hung(environment.work, 2.0)

    assert (fault.details["seed"], fault.details["episode"], fault.details["step"]) == ("5", "1", "3")


def test_a_fault_before_is_told_in_place_of_what_hangs(counting):
    environment = stepped(lambda: Bad(counting(), rewards=np.inf), 7)
    environment.send(np.zeros(3, np.int64))

    fault = environment.hung(environment.work, 2.0)

    assert "returned the reward inf" in fault.message


def test_rewards_of_another_number_than_there_are_lanes_are_named(counting):
    engine = SentEngine(counting)
    environment = CheckedPipeline(Pool(engine), "counting")
    environment.reset(SEEDS)
    environment.send(np.zeros(3, np.int64))
    observation, _, *rest = engine.recv()
    engine.recv = lambda: (observation, np.zeros(2), *rest)
    environment.receive()

    with pytest.raises(EnvironmentFaultError, match=r"rewards of shape \(2,\), not \(3,\)"):
        environment.outcomes()


def test_after_a_reset_wrong_actions_are_what_is_told(counting):
    environment = CheckedPipeline(Pool(SentEngine(counting)), "counting")
    environment.reset(SEEDS)
    environment.send(np.zeros(3, np.int64))
    environment.receive()

    environment.reset(SEEDS)

    with pytest.raises(InvalidArgumentError, match="action"):
        environment.send(np.full(3, 7))
    assert environment.work is None


@pytest.mark.skipif(importlib.util.find_spec("envpool") is None, reason="EnvPool is not installed")
def test_a_pool_is_closed_and_made_anew_while_it_steps():
    environment = make_environment(EnvironmentSettings("CartPole-v1", engine="envpool"), 3)
    assert isinstance(environment, CheckedPipeline)
    first = environment.reset(SEEDS).copy()

    environment.send(np.zeros(3, np.int64))
    again = environment.reset(SEEDS)

    np.testing.assert_array_equal(again, first)
    environment.send(np.zeros(3, np.int64))
    environment.close()


@pytest.mark.skipif(importlib.util.find_spec("envpool") is None, reason="EnvPool is not installed")
@pytest.mark.parametrize("overlap", [False, True])
def test_a_fleet_of_a_pool_shares_what_follows_with_what_is_shown(overlap):
    layers = Layers((4,))

    def make_policy(environment, _):
        spaces = environment.observation_space, environment.action_space
        return BehaviourPolicy.of_spaces("ppo", layers, spaces)

    lanes = LaneSettings(EnvironmentSettings("CartPole-v1", engine="envpool", isolation="none"), 4, overlap)
    actor = make_actor(
        lanes, ActorSettings("ppo", 30, None, 1, 0), make_policy, itertools.count().__next__, lambda: True
    )
    actor.begin(0)
    spaces = actor.environments[0].observation_space, actor.environments[0].action_space
    unrolls = [actor.collect(network_for("ppo", layers, *spaces).init(np.random.default_rng(0))), actor.collect(None)]

    for unroll in unrolls:
        assert successors(unroll.columns) == {"next_observation": "observation"}
    # The first observation of an unroll is what followed the last one.
    np.testing.assert_array_equal(unrolls[1].columns["observation"][0], unrolls[0].columns["next_observation"][-1])
    # Episodes end, and a row that resets follows each: the first observation of the next one is near 0.
    ended = unrolls[0].columns["terminated"]
    assert ended[:-1].any()
    assert not unrolls[0].columns["mask"][1:][ended[:-1]].any()
    assert (np.abs(unrolls[0].columns["next_observation"][1:][ended[:-1]]) <= 0.05).all()
    actor.close()
