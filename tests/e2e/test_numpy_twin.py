"""Without a compiler everything works, slower, and one log line says so."""

import os
import signal
import subprocess
import sys
from pathlib import Path


def test_a_learner_without_the_native_core_says_so_once_and_serves(tmp_path: Path) -> None:
    # It ends when torch, which it imports meanwhile, is there: that may take long beside others.
    command = [sys.executable, "-m", "heronry.learner", "--listen", f"unix:{tmp_path}/l.sock", "--drain-s", "60"]
    environ = {**os.environ, "HERONRY_NATIVE": "0", "HERONRY_LOG_FORMAT": "json"}

    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if '"serving"' in line:
                process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0

    assert sum("numpy_twin_in_use" in line for line in lines) == 1


def test_the_choice_of_twin_follows_the_setting() -> None:
    code = "from heronry.native import BACKEND; print(BACKEND)"
    environ = {**os.environ, "HERONRY_NATIVE": "0"}

    result = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

    assert result.stdout.strip() == "numpy"
