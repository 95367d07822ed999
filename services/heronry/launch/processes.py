"""Start one process of a mesh: its command line, its environment, its log file."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Bulk messages are copied through fresh pages unless glibc keeps its heap: three quarters more throughput.
MALLOC_VARIABLES = {
    "MALLOC_MMAP_THRESHOLD_": "1073741824",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "67108864",
    "MALLOC_ARENA_MAX": "1",
}
# Small networks lose by a thread pool in every process, and five pools on two cores lose most.
THREAD_VARIABLES = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
# Exit code by which a service says that its settings, not the service, are at fault.
USER_ERROR_EXIT_CODE = 2


@dataclass(frozen=True)
class ProcessSpec:
    """One process: its name, its command line and the file that takes what it prints."""

    instance: str
    command: tuple[str, ...]
    log: Path


def service_command(role: str, instance: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """Return `python -m heronry.<role>` with flags; the service ends by itself when this process is gone."""
    guard = ("--parent-pid", str(os.getpid()))
    return (sys.executable, "-m", f"heronry.{role}", "--instance", instance, *guard, *arguments)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with the variables of a service process; what the user has set wins."""
    return {**MALLOC_VARIABLES, **THREAD_VARIABLES, "PYTHONUNBUFFERED": "1", **environ}


def spawn(spec: ProcessSpec, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the process in a group of its own, so that the terminal's Ctrl-C reaches the launcher alone."""
    with spec.log.open("ab") as log:
        return subprocess.Popen(
            spec.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=child_environment(environ),
            process_group=0,
        )


def signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the process and its children; one that is gone is no error."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def last_lines(log: Path, count: int = 12, max_bytes: int = 16_384) -> tuple[str, ...]:
    """Return the end of a log file; empty when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - max_bytes))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-count:]


def start_ticks(pid: int) -> int:
    """Return when a process began, in the kernel's ticks; 0 when there is none or it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    fields = stat.rpartition(")")[2].split()
    # A process that nobody has waited for yet is listed, but has ended.
    return 0 if fields[0] in ("Z", "X") else int(fields[19])
