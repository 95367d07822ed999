"""What bad environments get: their fault by name, index, seed and step, and a new worker."""

import select
import subprocess
import sys
import time

import numpy as np
import pytest

from heronry.types.errors import EnvironmentFaultError, InvalidArgumentError
from tests.integration.environments.conftest import HERE, wait_until_gone

FAULT = 2
# Each of them starts a worker of its own: half a second of a core. They have siblings in the quick tests.
SLOW = pytest.mark.acceptance


def raised_by(environment, num_steps):
    """Return the first fault when lane 1 does what it must not."""
    environment.reset([11, 12])
    for _ in range(num_steps - 1):
        environment.step(np.array([0, FAULT]))
    with pytest.raises(EnvironmentFaultError) as raised:
        environment.step(np.array([0, FAULT]))
    return raised.value


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Hangs", "no end of a step within 1 s"),
        ("NotANumber", "showed nan at position 0"),
        pytest.param("PrintsForEver", "no end of a step within 1 s", marks=SLOW),
        pytest.param("Raises", "raised ValueError in step(): the arm is stuck", marks=SLOW),
        pytest.param("Exits", "called exit(3) in step()", marks=SLOW),
        pytest.param("ExitsAtOnce", "its process ended: exit code 4", marks=SLOW),
        pytest.param("Crashes", "its process ended: signal 11 (SIGSEGV)", marks=SLOW),
        pytest.param("RaisesInCircles", "raised ValueError in step(): the cause is the effect", marks=SLOW),
        pytest.param("RaisesWithoutWords", "raised Speechless in step(): (it does not say why)", marks=SLOW),
        pytest.param("RaisesLoudly", "raised ValueError in step(): \U0001f4a5\x00?\U0001f4a5", marks=SLOW),
        pytest.param("WrongShape", "showed what its space does not hold", marks=SLOW),
    ],
)
def test_a_fault_in_a_step_names_environment_index_seed_and_step(make, name, reason):
    is_hang = name in ("Hangs", "PrintsForEver")
    environment = make(name, num_workers=1, max_restarts=0, step_timeout_s=1.0 if is_hang else 60.0)

    fault = raised_by(environment, num_steps=1)

    assert reason in fault.message
    assert fault.details["environment"] == f"faulty_environments:{name}"
    assert [fault.details[k] for k in ("index", "seed", "episode", "step")] == ["1", "12", "0", "1"]
    # A hung worker prints first where it hangs.
    assert name != "Hangs" or "in misbehave" in fault.message


@pytest.mark.acceptance
def test_who_writes_to_sockets_that_are_not_its_own_is_named_or_its_worker_is(make):
    environment = make("WritesEverywhere", num_workers=1, max_restarts=0)

    fault = raised_by(environment, num_steps=1)

    assert "it answered what no worker says" in fault.message
    # What is read when the step is over already may be any lane's.
    is_known = "(one of environments 0 to 1)" not in fault.message
    assert [fault.details[k] for k in ("index", "seed")] == (["1", "12"] if is_known else ["0", "11"])


@SLOW
def test_a_reset_that_hangs_is_named_as_one(make):
    environment = make("HangsInReset", num_workers=1, max_restarts=0, reset_timeout_s=2.0)

    fault = raised_by(environment, num_steps=5)

    assert "no end of a reset within 2 s" in fault.message
    assert [fault.details[k] for k in ("index", "seed", "step")] == ["0", "11", "0"]


@SLOW
def test_spaces_that_change_are_a_fault(make):
    environment = make("ChangesItsSpaces", num_workers=1, max_restarts=0)

    fault = raised_by(environment, num_steps=5)

    assert "changed its observation_space" in fault.message


@SLOW
def test_a_vector_environment_that_dies_says_which_ones_it_may_have_been(make):
    environment = make("vector_that_exits", num_workers=1, max_restarts=0)

    fault = raised_by(environment, num_steps=1)

    assert "exit code 4 (one of environments 0 to 1)" in fault.message


@SLOW
def test_a_reset_that_is_slower_than_a_step_may_be_is_borne_with(make):
    environment = make("SlowReset", 1, step_timeout_s=1.0, reset_timeout_s=30.0)
    environment.reset([11])

    taken = [environment.step(np.array([0])) for _ in range(6)]

    assert [bool(t.terminated[0]) for t in taken] == [False] * 4 + [True, False]
    assert not environment.failures


def test_a_child_that_comes_back_from_a_step_answers_nobody(make):
    environment = make("Forks", 1)
    environment.reset([11])

    shown = [environment.step(np.array([FAULT])).observation.tolist() for _ in range(3)]

    assert shown == [[[11, step, FAULT]] for step in (1, 2, 3)]
    assert not environment.failures


def test_children_end_with_the_worker_that_they_were_left_by(make, tmp_path):
    environment = make("LeavesAChild", 1, kwargs={"folder": str(tmp_path)})
    environment.reset([11])

    environment.step(np.array([FAULT]))

    child = int((tmp_path / "child").read_text())
    assert wait_until_gone([child]) == []


def test_what_leaves_its_workers_process_group_ends_with_it(make, tmp_path):
    environment = make("LeavesItsGroup", 1, kwargs={"folder": str(tmp_path)}, step_timeout_s=1.0)
    environment.reset([11])

    environment.step(np.array([FAULT]))

    left = [int(pid) for pid in (tmp_path / "children").read_text().split()]
    assert wait_until_gone(left) == []


@SLOW
def test_a_constructor_that_refuses_with_a_huge_message_is_heard(make):
    with pytest.raises(InvalidArgumentError, match="arguments of the environment's constructor"):
        make("RefusesLoudly", 1)


@SLOW
def test_a_worker_that_leaks_is_begun_anew_between_two_episodes(make):
    environment = make("Leaks", 2, num_workers=1, max_memory_mb=400, max_restarts=0)
    environment.reset([11, 12])
    seeds = set()

    for _ in range(200):
        taken = environment.step(np.array([0, 0]))
        assert taken.lost is None
        seeds |= set(taken.observation[:, 0].tolist())
        if environment.num_restarts:
            break

    # Its last row ended an episode, and what is shown next begins another.
    assert (taken.terminated | taken.truncated).all()
    assert taken.observation[:, 1].tolist() == [0, 0]
    assert len(seeds) == 4
    assert not environment.failures


@SLOW
def test_what_left_its_group_does_not_outlive_a_fleet_that_is_killed(tmp_path):
    script = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import numpy
from heronry.environments.isolated import make_isolated
from heronry.environments.settings import EnvironmentSettings
kwargs = {{"folder": {str(tmp_path)!r}}}
environment = make_isolated(EnvironmentSettings("faulty_environments:LeavesItsGroup", kwargs, step_timeout_s=100), 1)
environment.reset([1])
print(flush=True)
environment.step(numpy.array([{FAULT}]))
"""
    written = tmp_path / "children"
    fleet = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    with fleet:
        assert select.select([fleet.stdout], [], [], 30)[0]
        deadline = time.monotonic() + 30
        while not (written.exists() and len(written.read_text().split()) == 3):
            assert time.monotonic() < deadline
        fleet.kill()

    assert wait_until_gone([int(pid) for pid in written.read_text().split()]) == []


@pytest.mark.parametrize("name", ["Behaved", pytest.param("Hangs", marks=SLOW)])
def test_nothing_outlives_a_fleet_that_is_killed(name):
    script = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
import numpy, psutil
from heronry.environments.isolated import make_isolated
from heronry.environments.settings import EnvironmentSettings
environment = make_isolated(EnvironmentSettings("faulty_environments:{name}", num_workers=2), 2)
environment.reset([1, 2])
print(*(p.pid for p in psutil.Process().children(recursive=True)), flush=True)
environment.step(numpy.array([{FAULT}, {FAULT}]))
sys.stdin.read()
"""
    fleet = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with fleet:
        assert select.select([fleet.stdout], [], [], 30)[0]
        pids = [int(pid) for pid in fleet.stdout.readline().split()]

        fleet.kill()

    # Two workers and two guards.
    assert len(pids) >= 4
    assert wait_until_gone(pids) == []
