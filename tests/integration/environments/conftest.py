"""Isolated environments of `faulty_environments.py`, in real processes."""

import os
import select
from pathlib import Path

import pytest

from heronry.environments.isolated import make_isolated
from heronry.environments.settings import EnvironmentSettings

HERE = Path(__file__).parent
POLE = HERE.parents[2] / "examples" / "simulators" / "pole.py"


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    """Make the environments importable, here and thus in workers."""
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def printed():
    """What environments have printed, as (where from, line)."""
    return []


@pytest.fixture
def make(printed):
    """Make isolated environments, which are closed after the test."""
    made = []

    def make(name, num_envs=2, *, with_pictures=False, **settings):
        if "engine" not in settings:
            name = f"faulty_environments:{name}"
        settings = EnvironmentSettings(name, **settings)
        tell = lambda *told: printed.append(told)  # noqa: E731
        made.append(make_isolated(settings, num_envs, with_pictures=with_pictures, tell=tell))
        return made[-1]

    yield make
    for environment in made:
        environment.close()


def wait_until_gone(pids, timeout_s=20.0):
    """Wait for processes to end, whoever takes note of it; return those that have not."""
    left = []
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        if not select.select([descriptor], [], [], timeout_s)[0]:
            left.append(pid)
        os.close(descriptor)
    return left
