"""The example that the README shows, run as its reader would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "custom_learner.py"


def test_the_example_fits_on_a_screen() -> None:
    assert len(EXAMPLE.read_text().splitlines()) <= 80


@pytest.mark.timeout(180)
def test_a_learner_of_the_user_s_own_trains_cartpole() -> None:
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, timeout=170, check=False)

    assert done.returncode == 0, done.stderr
    judged = re.search(r"^judged: ([\d.]+)$", done.stdout, re.MULTILINE)
    assert judged is not None, done.stdout
    assert float(judged[1]) >= 475
