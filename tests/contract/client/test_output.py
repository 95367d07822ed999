"""What the SDK and an embedded mesh leave on the output of the program that uses them: nothing."""

import subprocess
import sys
import textwrap
from pathlib import Path

FAILING_STREAMS = """
import gc
from pathlib import Path
from heronry.client import ColumnSpec, ElementType, HeronryError, sync

with sync.Mesh.embedded(data_dir=Path("data")) as mesh:
    for arguments in ({"batch_size": 8}, {"batch_size": 8}, {"batch_size": 0}, {"batch_size": "8"}):
        try:
            next(mesh.replay.sample("none", **arguments))
        except HeronryError as error:
            print(type(error).__name__)
        gc.collect()
        mesh.params.list_models()
    try:
        with mesh.replay.writer("none", columns=[ColumnSpec("reward", ElementType.FLOAT32, ())], num_lanes=1):
            pass
    except HeronryError as error:
        print(type(error).__name__)
    gc.collect()
    mesh.params.list_models()
"""
INTERRUPTED = """
import signal, threading
from pathlib import Path
from heronry.client import Pattern, TableDefinition, sync

# Whoever started the tests may have had interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with sync.Mesh.embedded(data_dir=Path("data")) as mesh:
    mesh.replay.create_table(TableDefinition.queue("queue", size=4, pattern=Pattern(1, 1)))
    main = threading.main_thread().ident
    threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT)).start()
    try:
        next(mesh.replay.sample("queue", batch_size=1, timeout_s=20))
    except KeyboardInterrupt:
        print("interrupted")
"""
OWN_LOGGING = """
import logging, structlog
from heronry.client import sync

structlog.configure(processors=[lambda logger, method, event: f"own {event['event']}"])
handlers = list(logging.getLogger().handlers)
with sync.Mesh.embedded() as mesh:
    mesh.params.list_models()
assert logging.getLogger().handlers == handlers
assert structlog.is_configured()
"""
NO_FOLDER = """
import structlog
from heronry.client import sync

with sync.Mesh.embedded() as mesh:
    print(mesh.params.list_models())
    structlog.get_logger().warning("worth_knowing")
assert not structlog.is_configured()
"""


def run(program: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_failed_streams_leave_nothing_on_standard_error(tmp_path: Path) -> None:
    done = run(FAILING_STREAMS, tmp_path)

    unknown, invalid = "TableNotFoundError", "InvalidArgumentError"
    assert done.stdout.split() == [unknown, unknown, invalid, invalid, unknown]
    assert (done.returncode, done.stderr) == (0, "")
    assert "service_registered" in (tmp_path / "data" / "embedded.log").read_text()


def test_an_interrupted_stream_leaves_nothing_on_standard_error(tmp_path: Path) -> None:
    done = run(INTERRUPTED, tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_without_a_folder_warnings_alone_go_to_standard_error(tmp_path: Path) -> None:
    done = run(NO_FOLDER, tmp_path)

    assert (done.returncode, done.stdout) == (0, "()\n")
    assert len(done.stderr.splitlines()) == 1
    assert "worth_knowing" in done.stderr


def test_a_program_s_own_logging_stays_as_it_is(tmp_path: Path) -> None:
    done = run(OWN_LOGGING, tmp_path)

    assert done.returncode == 0, done.stderr
    assert "own service_registered" in done.stdout
