"""Command lines, environments and log ends of service processes."""

import os
import re
import sys
from pathlib import Path

from heronry.launch.processes import (
    MALLOC_VARIABLES,
    THREAD_VARIABLES,
    child_environment,
    last_lines,
    service_command,
)
from heronry.types.exits import describe_exit

_ROOT = Path(__file__).parents[3]


def test_a_service_is_told_its_name_and_whose_child_it_is() -> None:
    command = service_command("params", "params-0", ["--listen", "unix:/x"])

    assert command[:3] == (sys.executable, "-m", "heronry.params")
    assert command[3:] == ("--instance", "params-0", "--parent-pid", str(os.getpid()), "--listen", "unix:/x")


def test_the_environment_tunes_malloc_and_threads_but_leaves_what_the_user_has_set() -> None:
    environment = child_environment({"HOME": "/home/x", "OMP_NUM_THREADS": "8"})

    assert environment["HOME"] == "/home/x"
    assert environment["OMP_NUM_THREADS"] == "8"
    assert environment["MKL_NUM_THREADS"] == "1"
    assert MALLOC_VARIABLES.items() <= environment.items()


def test_containers_have_the_variables_of_services() -> None:
    written = re.findall(r"(\w+)=(\S+)", (_ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8"))

    wanted = {**MALLOC_VARIABLES, **THREAD_VARIABLES}
    assert wanted.items() <= dict(written).items()


def test_an_exit_is_described_by_code_or_signal() -> None:
    assert describe_exit(3) == "exit code 3"
    assert describe_exit(-9) == "signal 9 (SIGKILL)"


def test_the_last_lines_of_a_log_leave_out_blank_ones(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {i}\n\n" for i in range(100)))

    assert last_lines(log, 2) == ("line 98", "line 99")
    assert last_lines(tmp_path / "absent.log") == ()
