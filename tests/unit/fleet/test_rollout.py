"""Unrolls: their columns, and that they follow each other without a gap."""

import importlib.util
import itertools

import numpy as np
import pytest

from heronry.environments.settings import EnvironmentSettings
from heronry.fleet.core.actor import ActorSettings
from heronry.fleet.core.behaviour import BehaviourPolicy
from heronry.fleet.core.exploration import EpsilonSchedule
from heronry.fleet.core.lane_settings import LaneSettings
from heronry.fleet.core.lanes import make_actor
from heronry.maths.networks import Layers, evaluate, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.columns import column_specs
from heronry.types.errors import AbortedError, HeronryError, InvalidArgumentError, SchemaMismatchError


def never_ends():
    return True


def actor_of(
    environment_id="CartPole-v1",
    *,
    algorithm="ppo",
    num_envs=3,
    may_go_on=never_ends,
    unroll_length=8,
    overlap=False,
    engine="auto",
    num_workers=0,
):
    environment = EnvironmentSettings(environment_id, engine=engine, isolation="none", num_workers=num_workers)
    lanes = LaneSettings(environment, num_envs, overlap)
    epsilon = EpsilonSchedule(1.0, 0.0, 100) if algorithm == "dqn" else None
    settings = ActorSettings(algorithm, unroll_length, epsilon, run_seed=5, fleet_index=0)
    networks = []

    def make_policy(environment, _):
        spaces = environment.observation_space, environment.action_space
        networks.append(network_for(algorithm, Layers((8,)), *spaces))
        return BehaviourPolicy.of_spaces(algorithm, Layers((8,)), spaces)

    actor = make_actor(lanes, settings, make_policy, itertools.count().__next__, may_go_on)
    return actor, networks[0].init(np.random.default_rng(0))


@pytest.mark.parametrize("algorithm", ["ppo", "dqn"])
def test_an_unroll_has_the_columns_that_were_announced(algorithm):
    actor, tensors = actor_of(algorithm=algorithm)
    actor.begin(1)

    unroll = actor.collect(tensors)

    assert set(column_specs(unroll.columns)) == set(actor.columns)
    assert {array.shape[:2] for array in unroll.columns.values()} == {(8, 3)}
    assert ("log_probability" in unroll.columns) is (algorithm == "ppo")


def test_continuous_actions_are_stored_as_reals():
    actor, tensors = actor_of("Pendulum-v1")
    actor.begin(1)

    unroll = actor.collect(tensors)

    assert set(column_specs(unroll.columns)) == set(actor.columns)
    assert unroll.columns["action"].shape == (8, 3, 1)
    assert unroll.columns["action"].dtype == np.float32


def test_unrolls_follow_each_other_without_a_gap():
    actor, tensors = actor_of("counting_environments:CountingEnvironment")
    actor.begin(1)

    first, second = actor.collect(tensors).columns, actor.collect(None).columns

    ended = first["terminated"][-1] | first["truncated"][-1]
    continued = np.where(ended[:, None], second["observation"][0], first["next_observation"][-1])
    assert np.array_equal(second["observation"][0], continued)
    assert np.array_equal(
        first["observation"][1:][~ended_before(first)], first["next_observation"][:-1][~ended_before(first)]
    )


def ended_before(columns):
    return (columns["terminated"] | columns["truncated"])[:-1]


def test_rows_lost_to_resetting_are_no_steps():
    actor, tensors = actor_of(unroll_length=200, engine="gymnasium")
    actor.begin(1)

    unroll = actor.collect(tensors)

    ended = unroll.columns["terminated"] | unroll.columns["truncated"]
    assert ended[:-1].any()
    assert unroll.num_steps == 200 * 3 - int(ended[:-1].sum())


def test_an_unroll_is_the_receivers_own():
    actor, tensors = actor_of()
    actor.begin(1)
    first = actor.collect(tensors)
    kept = {path: array.copy() for path, array in first.columns.items()}

    actor.collect(None)

    assert all(np.array_equal(first.columns[path], array) for path, array in kept.items())


def test_log_probabilities_are_those_of_the_policy_that_acted():
    actor, tensors = actor_of()
    actor.begin(1)

    columns = actor.collect(tensors).columns

    network = network_for("ppo", Layers((8,)), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2))
    logits = evaluate(network, tensors, columns["observation"].reshape(-1, 4))["policy"].astype(np.float64)
    table = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = np.take_along_axis(table, columns["action"].reshape(-1, 1), -1).reshape(8, 3)
    np.testing.assert_allclose(columns["log_probability"], expected, rtol=1e-5, atol=1e-5)


def test_the_same_start_repeats_the_run_and_another_does_not():
    runs = []
    for start in (1, 1, 2):
        actor, tensors = actor_of(unroll_length=30)
        actor.begin(start)
        runs.append(actor.collect(tensors).columns)

    assert all(np.array_equal(runs[0][path], runs[1][path]) for path in runs[0])
    assert not np.array_equal(runs[0]["observation"], runs[2]["observation"])


def test_an_actor_that_begins_again_repeats_its_start():
    actor, tensors = actor_of(unroll_length=30)
    actor.begin(4)
    first = actor.collect(tensors).columns

    actor.begin(4)
    second = actor.collect(tensors).columns

    assert all(np.array_equal(first[path], second[path]) for path in first)


def test_exploration_falls_with_the_steps_taken_and_those_before():
    fresh, tensors = actor_of(algorithm="dqn", num_envs=10, unroll_length=10)
    experienced, _ = actor_of(algorithm="dqn", num_envs=10, unroll_length=10)
    tensors["q/head/bias"][:] = [100.0, 0.0]
    fresh.begin(1)
    experienced.begin(1, num_steps_before=100)

    explored = [float(fresh.collect(tensors).columns["action"].mean()) for _ in range(3)]

    assert explored[0] > 0.3
    assert explored[-1] == 0.0
    assert experienced.collect(tensors).columns["action"].max() == 0


def test_an_unroll_that_may_not_go_on_is_given_up():
    asked = iter([True, True, False])
    actor, tensors = actor_of(may_go_on=lambda: next(asked), engine="gymnasium")
    actor.begin(1)

    assert actor.collect(tensors) is None


def test_time_is_split_between_policy_and_environments():
    actor, tensors = actor_of(engine="gymnasium")
    actor.begin(1)

    unroll = actor.collect(tensors)

    # The clock of this test ticks once a reading.
    assert unroll.environment_time_s == unroll.inference_time_s == 8


def test_weights_of_another_network_are_refused_and_the_former_ones_kept():
    actor, tensors = actor_of()
    actor.begin(1)
    actor.collect(tensors)

    with pytest.raises(SchemaMismatchError, match="policy/0/weight"):
        actor.collect({**tensors, "policy/0/weight": np.zeros((8, 5), np.float32)})

    assert actor.collect(None) is not None


@pytest.mark.parametrize("environment_id", ["CartPole-v1", "Pendulum-v1"])
def test_two_halves_side_by_side_collect_what_one_group_does(environment_id):
    whole, tensors = actor_of(environment_id, num_envs=5, unroll_length=40)
    halves, _ = actor_of(environment_id, num_envs=5, unroll_length=40, overlap=True)

    try:
        for actor in (whole, halves):
            actor.begin(1)
        for weights in (tensors, None):
            one, two = whole.collect(weights).columns, halves.collect(weights).columns
            assert one.keys() == two.keys()
            for name, column in one.items():
                if column.dtype.kind == "f":
                    np.testing.assert_allclose(two[name], column, rtol=1e-5, atol=1e-6, err_msg=name)
                else:
                    np.testing.assert_array_equal(two[name], column, err_msg=name)
    finally:
        halves.close()


@pytest.mark.skipif(importlib.util.find_spec("envpool") is None, reason="EnvPool is not installed")
def test_two_pools_side_by_side_share_out_the_threads_and_step_as_one_does(monkeypatch):
    import envpool  # here, because it takes a second

    made, make = [], envpool.make_gymnasium
    monkeypatch.setattr(
        envpool, "make_gymnasium", lambda *args, **kwargs: (made.append(kwargs), make(*args, **kwargs))[1]
    )
    whole, tensors = actor_of(engine="envpool", num_envs=5, unroll_length=40)
    halves, _ = actor_of(engine="envpool", num_envs=5, unroll_length=40, overlap=True, num_workers=3)

    try:
        for actor in (whole, halves):
            actor.begin(1)
        one, two = whole.collect(tensors).columns, halves.collect(tensors).columns
        assert {(pool["num_envs"], pool.get("num_threads")) for pool in made} >= {(5, None), (3, 2), (2, 1)}
        for name in ("observation", "action", "terminated", "episode_id"):
            np.testing.assert_allclose(two[name], one[name], rtol=1e-5, atol=1e-6, err_msg=name)
    finally:
        halves.close()
        whole.close()


@pytest.mark.skipif(importlib.util.find_spec("envpool") is None, reason="EnvPool is not installed")
@pytest.mark.parametrize("environment_id,num_groups", [("CartPole-v1", 1), ("Pong-v5", 2)])
def test_pools_of_pictures_overlap_unless_the_spec_says_otherwise(environment_id, num_groups):
    actor, _ = actor_of(environment_id, engine="envpool", num_envs=2, overlap=None)

    assert len(actor.environments) == num_groups
    actor.close()


@pytest.mark.parametrize("overlap", [None, True])
def test_lanes_that_are_no_whole_games_are_refused(overlap):
    with pytest.raises(InvalidArgumentError, match=r"fleet\.num_envs: got 7, allowed: a multiple of 2"):
        actor_of("ConnectFour-v0", num_envs=7, overlap=overlap)


def test_a_failing_half_ends_the_unroll_with_its_error():
    halves, tensors = actor_of("counting_environments:FailingEnvironment", num_envs=2, overlap=True)
    halves.begin(1)

    try:
        with pytest.raises(HeronryError, match="the floor is gone"):
            halves.collect(tensors)
    finally:
        halves.close()


def test_environments_that_cannot_overlap_are_made_once(counting_module, monkeypatch):
    made = []
    create = counting_module.CountingEnvironment.__init__
    monkeypatch.setattr(
        counting_module.CountingEnvironment, "__init__", lambda self: (made.append(self), create(self))[1]
    )

    actor_of("counting_environments:CountingEnvironment", num_envs=6)

    assert len(made) == 6


def test_an_actor_that_has_not_begun_says_so():
    actor, tensors = actor_of("CartPole-v1", num_envs=2)

    with pytest.raises(RuntimeError, match="has not begun"):
        actor.collect(tensors)


def test_episodes_that_an_unroll_without_an_end_took_with_it_are_not_gone_on_with():
    asked = itertools.count()

    def may_go_on():
        if next(asked) == 12:
            raise AbortedError("the unroll cannot go on")
        return True

    actor, tensors = actor_of(engine="gymnasium", may_go_on=may_go_on)
    actor.begin(1)
    before = actor.collect(tensors)

    with pytest.raises(AbortedError):
        actor.collect(None)
    after, later = actor.collect(None), actor.collect(None)

    assert after.cut.all()
    assert later.cut is None
    assert not set(before.columns["episode_id"].flat) & set(after.columns["episode_id"].flat)
