"""The supervisor with real processes."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from heronry.launch.processes import ProcessSpec
from heronry.launch.restart_policy import RestartPolicy
from heronry.launch.supervisor import Supervisor

SLEEPER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
FAST = RestartPolicy(first_delay_s=0.01, max_delay_s=0.05, max_early_deaths=3)


class Events:
    """Events of a supervisor, to wait for."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self._changed = threading.Condition()

    def __call__(self, event: str, instance: str, detail: str) -> None:
        with self._changed:
            self.seen.append((event, instance, detail))
            self._changed.notify_all()

    def count(self, event: str) -> int:
        return sum(seen[0] == event for seen in self.seen)

    def wait(self, event: str, count: int = 1, timeout_s: float = 10.0) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.count(event) >= count, timeout_s), self.seen


def spec(tmp_path: Path, code: str, instance: str = "thing-0") -> ProcessSpec:
    return ProcessSpec(instance, (sys.executable, "-c", code), tmp_path / f"{instance}.log")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_process_that_dies_comes_back_whatever_the_signal(tmp_path: Path, number: signal.Signals) -> None:
    events = Events()
    supervisor = Supervisor([spec(tmp_path, SLEEPER)], policy=FAST, on_event=events)
    supervisor.start()
    first = supervisor.pids()["thing-0"]

    os.kill(first, number)
    events.wait("started", 2)

    assert supervisor.pids()["thing-0"] != first
    assert supervisor.num_starts("thing-0") == 2
    assert supervisor.failure is None
    supervisor.stop()


def test_a_process_that_dies_at_each_start_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor([spec(tmp_path, "raise SystemExit('the disk is on fire')")], policy=FAST)
    supervisor.start()

    failure = supervisor.wait_for_failure(20.0)
    supervisor.stop()

    assert failure is not None
    assert "thing-0: ended with exit code 1 3 times in a row" in str(failure)
    assert failure.log_lines[-1] == "the disk is on fire"
    assert failure.exit_code == 1
    assert supervisor.num_starts("thing-0") == 3


def test_a_process_that_blames_its_settings_is_not_started_again(tmp_path: Path) -> None:
    code = "import sys; print('error: listen: got x', file=sys.stderr); sys.exit(2)"
    supervisor = Supervisor([spec(tmp_path, code)], policy=FAST)
    supervisor.start()

    failure = supervisor.wait_for_failure(20.0)
    supervisor.stop()

    assert failure is not None
    assert failure.exit_code == 2
    assert failure.log_lines == ("error: listen: got x",)
    assert supervisor.num_starts("thing-0") == 1


def test_stopping_ends_every_process_even_one_that_ignores_the_request(tmp_path: Path) -> None:
    stubborn = spec(tmp_path, STUBBORN, "stubborn-0")
    supervisor = Supervisor([stubborn, spec(tmp_path, SLEEPER)], policy=FAST)
    supervisor.start()
    pids = supervisor.pids()

    supervisor.stop(grace_s=0.3)

    assert not any(is_alive(pid) for pid in pids.values())
    assert supervisor.pids() == {}


def test_the_other_processes_are_left_alone_when_one_dies(tmp_path: Path) -> None:
    events = Events()
    supervisor = Supervisor(
        [spec(tmp_path, SLEEPER, "a-0"), spec(tmp_path, SLEEPER, "b-0")], policy=FAST, on_event=events
    )
    supervisor.start()
    before = supervisor.pids()

    os.kill(before["a-0"], signal.SIGKILL)
    events.wait("started", 3)
    after = supervisor.pids()
    supervisor.stop()

    assert after["b-0"] == before["b-0"]
    assert after["a-0"] != before["a-0"]
