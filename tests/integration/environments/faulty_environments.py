"""Environments that break their contract when they are told to: by the action, or by an argument."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np

FAULT = 2


class Behaved(gymnasium.Env):
    """Shows (seed mod 1000, step, action); episodes last five steps."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - as Gymnasium has it
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode
        self.seed, self.num_steps = 0, 0

    def reset(self, *, seed=None, options=None):
        self.seed = self.seed if seed is None else seed % 1000
        self.num_steps = 0
        return np.array([self.seed, 0, 0], np.float32), {}

    def step(self, action):
        self.num_steps += 1
        shown = np.array([self.seed, self.num_steps, action], np.float32)
        if action == FAULT:
            shown = self.misbehave(shown)
        return shown, 1.0, self.num_steps == 5, False, {}

    def misbehave(self, shown):
        return shown

    def render(self):
        return np.full((2, 3, 3), self.num_steps, np.uint8)


class Raises(Behaved):
    def misbehave(self, shown):
        raise ValueError("the arm is stuck")


class Exits(Behaved):
    def misbehave(self, shown):
        print("out of licences")
        sys.exit(3)


class ExitsAtOnce(Behaved):
    def misbehave(self, shown):
        print("cannot open display", file=sys.stderr)
        os._exit(4)


class Crashes(Behaved):
    def misbehave(self, shown):
        os.kill(os.getpid(), 11)
        return shown


class Hangs(Behaved):
    def misbehave(self, shown):
        time.sleep(100)
        return shown


class HangsInReset(Behaved):
    def reset(self, *, seed=None, options=None):
        if self.num_steps:
            time.sleep(100)
        return super().reset(seed=seed, options=options)


class SlowReset(Behaved):
    """Takes longer to reset than a step may take, and less than a reset may."""

    def reset(self, *, seed=None, options=None):
        time.sleep(1.5)
        return super().reset(seed=seed, options=options)


class NotANumber(Behaved):
    def misbehave(self, shown):
        return shown * np.nan


class WrongShape(Behaved):
    def misbehave(self, shown):
        return np.zeros(4, np.float32)


class ChangesItsSpaces(Behaved):
    def reset(self, *, seed=None, options=None):
        if self.num_steps:
            self.observation_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)
            return np.zeros(4, np.float32), {}
        return super().reset(seed=seed, options=options)


class Prints(Behaved):
    """Prints through Python and past it, whole pages of it."""

    def misbehave(self, shown):
        print("moved")
        os.write(1, b"D\n" * 100_000)
        return shown


class PrintsForEver(Behaved):
    def misbehave(self, shown):
        while True:
            print("moving")


class Forks(Behaved):
    """Its child comes back from the step as well."""

    def misbehave(self, shown):
        pid = os.fork()
        return shown + pid * 0


class LeavesAChild(Behaved):
    """Starts a program that outlives it, writes down who it is, and dies."""

    def __init__(self, folder=None, render_mode=None):
        super().__init__(render_mode)
        self.folder = folder

    def misbehave(self, shown):
        child = subprocess.Popen(["sleep", "100"])
        Path(self.folder, "child").write_text(str(child.pid))
        os._exit(5)


class LeavesItsGroup(LeavesAChild):
    """Starts a program in a session of its own, joins a group of its own, and hangs; writes down both."""

    def misbehave(self, shown):
        child = subprocess.Popen(["sleep", "100"], start_new_session=True)
        other = subprocess.Popen(["sleep", "100"], process_group=0)
        Path(self.folder, "children").write_text(f"{child.pid} {other.pid} {os.getpid()}")
        os.setpgid(0, other.pid)
        time.sleep(100)
        return shown


class RaisesInCircles(Behaved):
    def misbehave(self, shown):
        error, cause = ValueError("the cause is the effect"), KeyError()
        error.__cause__, cause.__cause__ = cause, error
        raise error


class RaisesWithoutWords(Behaved):
    def misbehave(self, shown):
        class Speechless(Exception):
            def __str__(self):
                raise RuntimeError("no words")

        raise Speechless


class RaisesLoudly(Behaved):
    def misbehave(self, shown):
        raise ValueError("\U0001f4a5\x00\ud800" * 100_000)


class RefusesLoudly(Behaved):
    def __init__(self, render_mode=None):
        raise TypeError("\U0001f4a5" * 100_000)


class WritesEverywhere(Behaved):
    """Writes to sockets that are not its own."""

    def misbehave(self, shown):
        for descriptor in range(3, 40):
            try:
                socket.socket(fileno=os.dup(descriptor)).send(b"F{")
            except OSError:
                continue
        return shown


class Leaks(Behaved):
    """Keeps 60 MB more with each episode."""

    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self.kept = []

    def reset(self, *, seed=None, options=None):
        self.kept.append(np.ones(60 << 17))
        return super().reset(seed=seed, options=options)


class NeedsALibrary(Behaved):
    def __init__(self, render_mode=None):
        import a_library_that_is_not_there  # noqa: F401


class RaisesWhenMade(Behaved):
    def __init__(self, render_mode=None):
        print("looking for the licence")
        raise RuntimeError("no licence")


class Masked(Behaved):
    """Allows the action of its step's number modulo 3 alone."""

    def reset(self, *, seed=None, options=None):
        observation, _ = super().reset(seed=seed)
        return observation, self._allowed()

    def step(self, action):
        *outcome, _ = super().step(action)
        return *outcome, self._allowed()

    def _allowed(self):
        return {"action_mask": np.arange(3) == self.num_steps % 3}


class AsksItsSimulator(Behaved):
    """Has a simulator beside it, whose number it shows; one that it makes die at a fault."""

    def __init__(self, render_mode=None):
        super().__init__(render_mode)
        self.address = Path(os.environ["HERONRY_SOCKET"])
        deadline = time.monotonic() + 30
        while not self.address.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(str(self.address))
            time.sleep(0.01)

    def step(self, action):
        outcome = super().step(action)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.address))
            connection.sendall(b"die" if action == FAULT else b"who")
            outcome[0][2] = float(connection.recv(16) or b"-1")
        return outcome


def vector_of_behaved(num_envs):
    return gymnasium.vector.SyncVectorEnv([Behaved] * num_envs, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)


def vector_that_exits(num_envs):
    return gymnasium.vector.SyncVectorEnv(
        [ExitsAtOnce] * num_envs, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP
    )
