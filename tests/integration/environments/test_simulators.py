"""Simulators beside environments, and simulators that are the environment."""

import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from heronry.environments.isolated.simulated import SimulatedEnvironment
from heronry.environments.isolated.simulator import Simulator, SimulatorError
from heronry.types.errors import EnvironmentFaultError, InvalidArgumentError
from tests.integration.environments.conftest import POLE, wait_until_gone

FAULT = 2

# Answers with how often its place was begun anew, dies when it is told to.
BESIDE = """
import os, socket, sys
print("simulator", os.environ["HERONRY_ENVIRONMENT_INDEX"], "is there", flush=True)
listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["HERONRY_SOCKET"] + ".new")
listener.listen()
os.rename(os.environ["HERONRY_SOCKET"] + ".new", os.environ["HERONRY_SOCKET"])
while True:
    connection, _ = listener.accept()
    if connection.recv(16) == b"die":
        sys.exit(7)
    connection.sendall(os.environ["HERONRY_EPOCH"].encode())
    connection.close()
"""

# Is the environment; does what its argument says when the action is the fault.
SPOKEN = """
import json, os, socket, sys, time
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["HERONRY_SOCKET"])
lines = connection.makefile("rw")
def say(**message):
    print(json.dumps(message), file=lines, flush=True)
wrong = sys.argv[1]
if wrong == "dies before its hello":
    sys.exit(9)
say(protocol=2 if wrong == "another protocol" else 1,
    observation_space={"kind": "box", "shape": [1]}, action_space={"kind": "discrete", "n": 3})
for line in lines:
    message = json.loads(line)
    shown = {"observation": [0.5], "action_mask": [1, 0, 1]}
    if "reset" in message:
        say(**shown)
    elif message["step"]["action"] != 2:
        say(**shown, reward=2.0, terminated=False)
    elif wrong == "dies":
        print("out of memory", flush=True)
        os._exit(7)
    elif wrong == "hangs":
        time.sleep(100)
    elif wrong == "no reward":
        say(**shown)
    elif wrong == "no json":
        print("hello?", file=lines, flush=True)
    elif wrong == "another shape":
        say(observation=[1, 2], reward=0, terminated=False)
    elif wrong == "an error":
        say(error="the gripper is open")
"""


def spoken(wrong):
    return (sys.executable, "-c", SPOKEN, wrong)


def euler_step(state, action):
    """The equations of Barto, Sutton and Anderson 1983 without friction, in float64."""
    x, speed, angle, turning = state
    force = 10.0 if action else -10.0
    sine, cosine = np.sin(angle), np.cos(angle)
    angular = (9.8 * sine + cosine * (-force - 0.05 * turning**2 * sine) / 1.1) / (
        0.5 * (4 / 3 - 0.1 * cosine**2 / 1.1)
    )
    linear = (force + 0.05 * (turning**2 * sine - angular * cosine)) / 1.1
    return np.array([x + 0.02 * speed, speed + 0.02 * linear, angle + 0.02 * turning, turning + 0.02 * angular])


def test_the_example_simulator_is_the_pole_of_the_paper(make):
    environment = make("pole", 2, engine="command", command=(sys.executable, str(POLE)), num_workers=1)
    shown = environment.reset([11, 12])
    again = environment.reset([11, 13])

    taken = environment.step(np.array([1, 0]))

    assert np.abs(shown).max() <= 0.05
    assert again[0].tolist() == shown[0].tolist()
    assert again[1].tolist() != shown[1].tolist()
    expected = [euler_step(state, action) for state, action in zip(again.astype(np.float64), (1, 0), strict=True)]
    np.testing.assert_allclose(taken.observation, expected, rtol=1e-5, atol=1e-6)
    assert taken.reward.tolist() == [1, 1]
    falls = [environment.step(np.array([1, 0])).terminated for _ in range(20)]
    assert np.any(falls, axis=0).all()


@pytest.fixture
def speak(tmp_path):
    """Start the simulator in this process."""
    started = []

    def speak(wrong):
        started.append(Simulator(spoken(wrong), index=0, epoch=0, folder=str(tmp_path)))
        return SimulatedEnvironment(started[-1])

    yield speak
    for simulator in started:
        simulator.close()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("dies", "the simulator ended: exit code 7"),
        ("no reward", "an answer without reward or terminated"),
        ("no json", "a line that is no JSON: b'hello?"),
        ("another shape", r"observation of shape \(2,\), announced was \(1,\)"),
        ("an error", "the gripper is open"),
    ],
)
def test_a_simulator_that_breaks_the_protocol_is_told_how(speak, wrong, reason):
    environment = speak(wrong)
    environment.reset(seed=11)
    environment.step(0)

    with pytest.raises(SimulatorError, match=reason):
        environment.step(FAULT)

    environment.close()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [("dies before its hello", "the simulator ended: exit code 9"), ("another protocol", "protocol 2")],
)
def test_a_simulator_without_a_usable_hello_is_told_how(speak, wrong, reason):
    with pytest.raises(SimulatorError, match=reason):
        speak(wrong)


@pytest.mark.acceptance
def test_a_simulator_that_hangs_is_named(make):
    environment = make("spoken", 1, engine="command", command=spoken("hangs"), max_restarts=0, step_timeout_s=2.0)
    environment.reset([11])
    environment.step(np.array([0]))

    with pytest.raises(EnvironmentFaultError) as raised:
        environment.step(np.array([FAULT]))

    assert "no end of a step within 2 s" in raised.value.message
    assert [raised.value.details[k] for k in ("index", "seed", "step")] == ["0", "11", "2"]


@pytest.mark.acceptance
def test_a_simulator_that_dies_is_begun_anew_and_its_masks_come_through(make):
    environment = make("spoken", 1, engine="command", command=spoken("dies"))
    environment.reset([11])

    taken = environment.step(np.array([FAULT]))
    after = environment.step(np.array([0]))

    assert taken.lost.tolist() == [True]
    assert after.reward.tolist() == [2.0]
    assert environment.action_mask.tolist() == [[True, False, True]]


@pytest.mark.acceptance
def test_a_simulator_that_cannot_be_spoken_to_is_told_at_once(make):
    with pytest.raises(EnvironmentFaultError, match="the simulator ended: exit code 9") as raised:
        make("spoken", 1, engine="command", command=spoken("dies before its hello"))

    assert "Traceback" not in str(raised.value), "nothing of the user's raised"


@pytest.mark.acceptance
def test_a_program_that_is_not_there_is_named(make):
    with pytest.raises(InvalidArgumentError, match="no-such-simulator"):
        make("spoken", 1, engine="command", command=("no-such-simulator",))


def test_a_simulator_without_a_command_is_refused(make):
    with pytest.raises(InvalidArgumentError, match=r"environment\.command"):
        make("spoken", 1, engine="command")


def test_a_simulator_beside_an_environment_that_dies_is_begun_anew_with_it(make, printed):
    environment = make("AsksItsSimulator", 2, num_workers=1, command=(sys.executable, "-c", BESIDE))
    environment.reset([11, 12])
    before = environment.step(np.array([0, 0]))

    # It is gone before the step has an answer, or after it.
    taken = _until_lost(environment, environment.step(np.array([0, FAULT])))
    after = environment.step(np.array([0, 0]))

    assert before.observation[:, 2].tolist() == [0, 0]
    assert taken.lost.tolist() == [True, True]
    assert after.observation[:, 2].tolist() == [1, 1]
    assert ("environments 0-1", "simulator 1 is there") in printed


def test_a_simulator_that_dies_between_steps_counts_as_dead_with_its_worker(make):
    environment = make("Behaved", 1, command=(sys.executable, "-c", "import time; time.sleep(100)"))
    environment.reset([11])
    (simulator,) = [p for p in psutil.Process().children(recursive=True) if "time.sleep(100)" in " ".join(p.cmdline())]
    simulator.kill()

    taken = _until_lost(environment, environment.step(np.array([0])))

    assert taken.lost.tolist() == [True]
    assert environment.failures[0].reason == "its simulator ended"


@pytest.mark.acceptance
def test_a_simulator_beside_what_is_not_made_one_by_one_is_refused(make):
    with pytest.raises(InvalidArgumentError, match=r"environment\.command"):
        make("vector_of_behaved", 2, num_workers=1, command=("sleep", "100"))


def test_closing_ends_simulators_and_removes_their_sockets(make, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    # Other tests of this process may have left children that live as long as it does.
    others = {p.pid for p in psutil.Process().children(recursive=True)}
    environment = make("Behaved", 1, command=("sleep", "100"))
    environment.reset([11])
    pids = [p.pid for p in psutil.Process().children(recursive=True) if p.pid not in others]
    assert pids

    environment.close()

    assert wait_until_gone(pids) == []
    assert list(Path(tmp_path).iterdir()) == []


def _until_lost(environment, taken):
    """Return the step that was taken if it lost a lane, or the next one that does."""
    deadline = time.monotonic() + 30
    while taken.lost is None:
        assert time.monotonic() < deadline
        taken = environment.step(np.zeros(environment.num_envs, np.int64))
    return taken
