"""Finding algorithms by name."""

import subprocess
import sys

import pytest

from heronry.algorithms import load, names
from heronry.types.errors import InvalidArgumentError


def test_every_name_has_an_algorithm() -> None:
    assert [load(name).__name__ for name in names()] == ["Ppo", "Dqn"]


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(InvalidArgumentError, match=r"'pp0'.*did you mean 'ppo'"):
        load("pp0")


def test_the_registry_does_not_import_torch() -> None:
    program = "import heronry.algorithms, heronry.learner, sys; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
