"""Environments in worker processes behave as those in the fleet's own, and cost a fleet nothing when they fail."""

import os
import signal

import numpy as np
import psutil
import pytest

from heronry.environments.isolated.history import seed_of_epoch
from heronry.environments.making import make_environment
from heronry.environments.settings import EnvironmentSettings
from heronry.types.errors import (
    EnvironmentFaultError,
    EnvironmentNotFoundError,
    FailedPreconditionError,
    InvalidArgumentError,
)

FAULT = 2
SEEDS = [11, 12, 13]


def children():
    return psutil.Process().children(recursive=True)


def test_workers_show_what_the_same_environments_show_in_process(make):
    isolated = make("Behaved", 3, num_workers=2)
    beside = make_environment(EnvironmentSettings("faulty_environments:Behaved", isolation="none"), 3)
    rng = np.random.default_rng(1)

    shown = [(isolated.reset(SEEDS), beside.reset(SEEDS))]
    for actions in rng.integers(0, 2, (12, 3)):
        shown += zip(isolated.step(actions)[:6], beside.step(actions)[:6], strict=True)

    for ours, theirs in shown:
        np.testing.assert_array_equal(ours, theirs, strict=True)
    assert isolated.observation_space == beside.observation_space
    assert isolated.action_space == beside.action_space
    assert isolated.releases_lock


@pytest.mark.acceptance
def test_a_factory_of_a_vector_environment_gets_the_share_of_a_worker(make):
    environment = make("vector_of_behaved", 3, num_workers=2)

    first = environment.reset(SEEDS)
    taken = environment.step(np.array([1, 0, 1]))

    assert first.tolist() == [[11, 0, 0], [12, 0, 0], [13, 0, 0]]
    assert taken.observation.tolist() == [[11, 1, 1], [12, 1, 0], [13, 1, 1]]


@pytest.mark.acceptance
def test_the_lanes_of_one_game_stay_in_one_worker(make):
    environment = make("ConnectFour-v0", 6, engine="native", num_workers=2)
    environment.reset(range(6))

    environment.step(np.array([3, 0] * 3))

    # The first agents have moved and wait, the second ones may choose.
    assert environment.action_mask.sum(axis=1).tolist() == [1, 7] * 3


@pytest.mark.acceptance
def test_half_a_game_is_refused(make):
    with pytest.raises(InvalidArgumentError, match="a multiple of 2"):
        make("ConnectFour-v0", 3, engine="native")


def test_lanes_of_other_workers_go_on_when_one_worker_dies(make):
    environment = make("ExitsAtOnce", 3, num_workers=2)
    environment.reset(SEEDS)
    environment.step(np.zeros(3, np.int64))

    taken = environment.step(np.array([0, FAULT, 1]))
    after = environment.step(np.zeros(3, np.int64))

    anew = [seed_of_epoch(seed, 1) % 1000 for seed in SEEDS]
    assert taken.lost.tolist() == [True, True, False]
    assert taken.mask.tolist() == [False, False, True]
    assert taken.observation.tolist() == [[anew[0], 0, 0], [anew[1], 0, 0], [13, 2, 1]]
    assert not taken.terminated.any()
    assert not taken.truncated.any()
    assert taken.reward.tolist() == [0, 0, 1]
    assert after.lost is None
    assert after.observation.tolist() == [[anew[0], 1, 0], [anew[1], 1, 0], [13, 3, 0]]
    assert environment.num_restarts == 1
    (failure,) = environment.failures
    assert (failure.environment_index, failure.seed, failure.step) == (1, 12, 2)
    assert failure.reason == "its process ended: exit code 4"


@pytest.mark.acceptance
def test_a_worker_that_is_killed_between_two_steps_is_begun_anew(make):
    environment = make("Behaved", 1)
    environment.reset([11])
    (worker,) = [p for p in children() if any("worker" in part for part in p.cmdline())]
    os.kill(worker.pid, signal.SIGKILL)

    taken = environment.step(np.array([0]))

    assert taken.lost.tolist() == [True]
    assert environment.failures[0].reason == "its process ended: signal 9 (SIGKILL)"


def test_the_run_ends_with_the_fault_when_the_restarts_are_spent(make):
    environment = make("Exits", 2, num_workers=1, max_restarts=1)
    environment.reset([11, 12])
    environment.step(np.array([0, FAULT]))

    with pytest.raises(EnvironmentFaultError) as raised:
        environment.step(np.array([0, FAULT]))

    expected = ("faulty_environments:Exits", "index 1", f"seed {seed_of_epoch(12, 1)}", "step 1", "exit(3)")
    for part in (*expected, "max_restarts: 1, spent", "| out of licences"):
        assert part in str(raised.value)
    with pytest.raises(FailedPreconditionError, match="closed"):
        environment.step(np.array([0, 0]))


def test_masks_and_pictures_come_through(make):
    environment = make("Masked", 2, num_workers=2, with_pictures=True)
    environment.reset([11, 12])

    first = environment.action_mask
    environment.step(np.array([0, 0]))

    assert environment.action_space.is_masked
    assert first.tolist() == [[True, False, False]] * 2
    assert environment.action_mask.tolist() == [[False, True, False]] * 2
    assert environment.render(1).tolist() == np.full((2, 3, 3), 1).tolist()


@pytest.mark.parametrize("actions", [[0, 3], [0, -1], [0], [[0], [0]]])
@pytest.mark.acceptance
def test_a_policy_that_does_not_fit_is_no_fault_of_the_environment(make, actions):
    environment = make("Behaved", 2, num_workers=2)
    environment.reset([11, 12])

    with pytest.raises(InvalidArgumentError, match="action"):
        environment.step(np.array(actions))

    assert not environment.failures


@pytest.mark.acceptance
def test_environments_without_pictures_say_so_and_go_on(make):
    environment = make("Behaved", 1)
    environment.reset([11])

    with pytest.raises(FailedPreconditionError, match="render mode"):
        environment.render(0)

    assert environment.step(np.array([0])).lost is None


def test_what_environments_print_is_passed_on_and_disturbs_nothing(make, printed):
    environment = make("Prints", 1)
    environment.reset([11])

    taken = environment.step(np.array([FAULT]))

    assert taken.observation.tolist() == [[11, 1, FAULT]]
    assert ("environment 0", "moved") in printed
    # A hundred thousand lines were printed.
    assert len(printed) < 200


@pytest.mark.parametrize(
    ("name", "error", "parts"),
    [
        pytest.param(
            *("NeedsALibrary", EnvironmentFaultError, ("ModuleNotFoundError", "a_library_that_is_not_there")),
            marks=pytest.mark.acceptance,
        ),
        ("RaisesWhenMade", EnvironmentFaultError, ("RuntimeError: no licence", "| looking for the licence")),
        ("Behavd", EnvironmentNotFoundError, ("'Behaved'",)),
    ],
)
def test_what_cannot_be_made_is_told_at_once_by_name(make, name, error, parts):
    with pytest.raises(error) as raised:
        make(name, 1)

    for part in (f"faulty_environments:{name}", *parts):
        assert part in str(raised.value)


def test_arguments_that_no_process_can_be_sent_are_refused(make):
    with pytest.raises(InvalidArgumentError, match=r"environment\.kwargs"):
        make("Behaved", 1, kwargs={"render_mode": lambda: None})


def test_closing_leaves_no_process(make):
    before = {p.pid for p in children()}
    environment = make("Behaved", 2, num_workers=2)
    environment.reset([11, 12])

    environment.close()

    assert {p.pid for p in children()} == before
