"""Seeds of lanes that are begun anew, and the budget of restarts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.environments.isolated.failures import Failures
from heronry.environments.isolated.history import LaneHistory, seed_of_epoch
from heronry.environments.isolated.messages import MAX_BYTES, Fault, Hello
from heronry.environments.restart_budget import RestartBudget
from heronry.environments.vector import Step
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.types.errors import EnvironmentFaultError, InvalidArgumentError
from heronry.types.run import EnvironmentFailure


def step(mask, terminated):
    n = len(mask)
    nothing = np.zeros(n, np.float32)
    ended = np.array(terminated, np.bool_)
    return Step(nothing, nothing, ended, np.zeros(n, np.bool_), nothing, np.array(mask, np.bool_))


def test_steps_are_counted_within_the_episode():
    history = LaneHistory(2)
    history.begin([7, 8])

    history.count(step([True, True], [False, False]))
    history.count(step([True, True], [True, False]))
    history.count(step([False, True], [False, False]))

    assert (history.steps(0), history.steps(1)) == (0, 3)
    assert (history.episode(0), history.episode(1)) == (1, 0)


def test_lanes_begun_anew_have_new_seeds_and_the_others_theirs():
    history = LaneHistory(3)
    history.begin([7, 8, 9])

    seeds = history.begin_anew(slice(1, 3), epoch=1)

    assert seeds == [seed_of_epoch(8, 1), seed_of_epoch(9, 1)]
    assert [history.seed(lane) for lane in range(3)] == [7, *seeds]


@given(st.integers(0, 2**32 - 1))
def test_no_two_epochs_of_a_lane_have_one_seed(seed):
    seeds = {seed, *(seed_of_epoch(seed, epoch) for epoch in range(1, 17))}

    # Two of 17 random words of 32 bits are equal once in 30 million lanes.
    assert len(seeds) == 17


def test_failures_beyond_the_budget_are_raised_with_what_was_printed():
    failures = Failures("module:Thing", RestartBudget(1))
    failure = EnvironmentFailure(environment_index=3, seed=11, step=17, reason="it hung")
    failures.record(failure, 2, ())

    with pytest.raises(EnvironmentFaultError) as raised:
        failures.record(failure, 2, ("one", "two"))

    assert failures.last == (failure, failure)
    for part in ("module:Thing", "index 3", "seed 11", "episode 2", "step 17", "it hung", "max_restarts: 1", "| two"):
        assert part in str(raised.value)


@given(st.text(), st.integers(-1, 100), st.dictionaries(st.text(), st.text()))
def test_a_fault_is_read_as_it_was_sent(reason, lane, details):
    fault = Fault(reason, lane, "InvalidArgumentError", details)

    assert Fault.decode(fault.encode()) == fault


@pytest.mark.parametrize("character", ["x", "\x00", "\U0001f4a5", "\ud800"])
def test_a_fault_of_any_length_and_script_fits_a_message(character):
    long = character * 1_000_000
    fault = Fault(long, 0, "InvalidArgumentError", {"field": long, "value": long, "allowed": long})

    message = fault.encode()

    assert len(message) <= MAX_BYTES
    assert Fault.decode(message).lane == 0


def test_bounds_that_no_message_holds_are_refused_by_name():
    bounds = np.random.default_rng(0).uniform(1, 2, 10_000)
    space = ActionSpace("box", shape=(10_000,), low=tuple(-bounds), high=tuple(bounds))

    with pytest.raises(InvalidArgumentError, match=r"environment\.action_space: got '10,000 components'"):
        Hello(ObservationSpace((3,)), space).encode()


def test_groups_of_lanes_share_one_budget_of_restarts():
    budget = RestartBudget(2)
    halves = Failures("module:Thing", budget), Failures("module:Thing", budget)
    failure = EnvironmentFailure(environment_index=3, seed=11, step=17, reason="it hung")

    for half in halves:
        half.record(failure, 0, ())

    with pytest.raises(EnvironmentFaultError, match="max_restarts: 2, spent"):
        halves[0].record(failure, 0, ())


def test_a_hello_is_read_as_it_was_sent():
    hello = Hello(ObservationSpace((84, 84), "uint8"), ActionSpace.of_choices((2, 3), is_masked=True), (12, 13))

    assert Hello.decode(hello.encode()) == hello
