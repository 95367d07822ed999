"""What an environment's death does to the episodes that it cuts: to figures, and to stacks of frames in replay."""

from collections import deque

import numpy as np
import pytest

from heronry.environments.vector import Step
from heronry.fleet.core.figures import FleetFigures
from heronry.fleet.core.rollout import Rollout
from heronry.fleet.core.side_by_side import SideBySide
from heronry.fleet.core.unroll import Unroll, empty_columns, experience_columns
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.replay.core.append_session import AppendHeader, AppendSession
from heronry.replay.core.batch_buffer import ArrayBuffer
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.sample_session import Credits, SampleHeader, SampleSession
from heronry.replay.core.table import Table
from heronry.types.experience import Block
from heronry.types.patterns import Pattern
from heronry.types.tables import TableDefinition
from heronry.types.version import ParameterVersion

VERSION = ParameterVersion(1, 1)
BLOCK_STEPS = 4


class Mortal:
    """Lanes of episodes of six steps, a reward of 1 each, that show episode and step; a lane dies when it is told to.

    Args:
      deaths: lane and call of `step`, from 0, of each.
    """

    observation_space = ObservationSpace((2,))
    action_space = ActionSpace("discrete", num_actions=2)
    action_mask = None
    releases_lock = False

    def __init__(self, num_envs, deaths):
        self.num_envs = num_envs
        self._deaths = deaths
        self._call = -1
        self._episode = np.zeros(num_envs)
        self._step = np.zeros(num_envs)

    def reset(self, seeds):
        return self._shown()

    def step(self, actions):
        self._call += 1
        lost = np.array([(lane, self._call) in self._deaths for lane in range(self.num_envs)])
        before = self._shown()
        self._step += ~lost
        next_observation = np.where(lost[:, None], before, self._shown())
        terminated = self._step == 6
        over = terminated | lost
        self._episode, self._step = self._episode + over, np.where(over, 0, self._step)
        reward = (~lost).astype(np.float32)
        no = np.zeros(self.num_envs, np.bool_)
        return Step(self._shown(), reward, terminated, no, next_observation, ~lost, lost if lost.any() else None)

    def close(self):
        """Hold nothing."""

    def _shown(self):
        return np.stack([self._episode, self._step], axis=1).astype(np.float32)


class Idle:
    """A policy that always does the same."""

    has_memory = False

    def begin(self, num_steps, num_lanes, randoms):
        """Draw nothing."""

    begin_episodes = begin_unroll = lambda *_: None

    def act(self, step, observations, actions, mask):
        actions[:] = 0

    def log_probabilities(self):
        return None


def unrolls(group, num_lanes, num_blocks):
    """Return blocks one after the other, as an actor makes them."""
    specs = experience_columns(Mortal.observation_space, Mortal.action_space, with_log_probability=False)
    group.reset(range(num_lanes))
    made = []
    for _ in range(num_blocks):
        columns = empty_columns(specs, BLOCK_STEPS, num_lanes)
        columns["episode_id"][:] = 0
        taken = group.collect(columns, {})
        made.append(Unroll(columns, 0, 0.0, 0.0, taken.cut, taken.given_up))
    return specs, made


def rollout(num_lanes, deaths):
    return Rollout(Mortal(num_lanes, deaths), Idle(), lambda: 0.0)


def finished(made, num_lanes):
    figures = FleetFigures("run", "mortal", num_lanes, lambda: 0.0)
    for unroll in made:
        figures.add(unroll, VERSION, VERSION)
    statistics = figures.statistics()
    return statistics.num_episodes, statistics.mean_return, statistics.mean_length


@pytest.mark.parametrize("dies_at", range(6))
def test_an_episode_that_a_death_cuts_is_not_counted_wherever_in_a_block_it_falls(dies_at):
    _, made = unrolls(rollout(1, {(0, dies_at)}), 1, 5)

    # Of 20 rows one is lost; what follows the cut episode are whole ones of six steps.
    num_whole = (20 - dies_at - 1) // 6
    assert finished(made, 1) == (num_whole, 6.0, 6.0)


def test_a_death_while_the_next_episode_is_begun_cuts_nothing():
    _, made = unrolls(rollout(1, {(0, 6)}), 1, 4)

    assert finished(made, 1) == (2, 6.0, 6.0)


def test_of_two_halves_each_cuts_its_own_lanes():
    group = SideBySide(rollout(2, {(1, 2)}), rollout(1, set()), (2, 1))
    try:
        _, made = unrolls(group, 3, 3)
    finally:
        group.close()

    assert np.argwhere(made[0].given_up).tolist() == [[1, 1]]
    assert made[1].given_up is None
    # Lane 1 begins anew in row 3, and ends in row 8; the others end in rows 5 and 11.
    assert finished(made, 3) == (5, 6.0, 6.0)


@pytest.mark.parametrize("dies_at", range(3, 9))
@pytest.mark.parametrize("num_steps", [1, 3])
def test_no_stack_of_frames_spans_a_death(dies_at, num_steps):
    specs, made = unrolls(rollout(2, {(0, dies_at)}), 2, 5)
    each = ("action", "reward", "terminated", "truncated", "mask")
    pattern = Pattern.n_step(num_steps, each=each, stack=3)
    definition = TableDefinition.queue("t", size=1000, pattern=pattern)
    table = Table(definition, ByteBudget(1 << 24), np.random.default_rng(0))
    writer = AppendSession(table, AppendHeader("t", "w", 1, specs, 2), 4)
    writer.open()
    for sequence, unroll in enumerate(made, 1):
        writer.append(Block(sequence, unroll.columns, VERSION))

    num_items = table.info().num_items
    reader = SampleSession(table, SampleHeader("t", num_items), 1 << 20, ArrayBuffer)
    (buffer,) = reader.advance(deque([Credits(1)])).value
    columns = buffer.batch().columns

    # Row 0 of each window is what is acted in; a lost one is no experience.
    is_experience = columns["mask"][0]
    stacks = columns["observation"][is_experience]
    assert len(stacks) > 20
    episodes, steps = stacks[..., 0], stacks[..., 1]
    assert (episodes == episodes[:, -1:]).all()
    # Frames follow each other, the first one repeated where the episode is younger than the stack.
    expected = np.maximum(steps[:, -1:] + np.arange(-2, 1), 0)
    np.testing.assert_array_equal(steps, expected)
