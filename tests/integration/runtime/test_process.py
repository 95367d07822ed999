"""A service as a process: its exit statuses, its drain, its parent."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("tiny_process.py")
DEADLINE_S = 20.0


async def start(*argv: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), "--log-format", "json", *argv, stderr=asyncio.subprocess.PIPE
    )


async def serving_line(process: asyncio.subprocess.Process) -> dict[str, object]:
    async with asyncio.timeout(DEADLINE_S):
        return json.loads(await process.stderr.readline())


async def outcome(process: asyncio.subprocess.Process) -> tuple[int, list[str]]:
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()
    return process.returncode, errors.decode().splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_ends_with_zero(number, tmp_path) -> None:
    process = await start("--listen", f"unix:{tmp_path}/x.sock")
    line = await serving_line(process)
    process.send_signal(number)

    status, lines = await outcome(process)

    assert line["event"] == "serving"
    assert line["addresses"] == [f"unix:{tmp_path}/x.sock"]
    assert line["uvloop"] is True
    assert (status, [json.loads(x)["event"] for x in lines]) == (0, ["stopped"])
    assert not (tmp_path / "x.sock").exists()


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        (("--drain-s", "-1"), 2, "heronry learner: drain_s: got '-1', allowed: greater than 0"),
        (("--listn", "x"), 2, "heronry learner: unknown flag '--listn'; did you mean '--listen'?"),
        (("--instance", "broken"), 1, "heronry learner: RuntimeError('a bug')"),
    ],
)
async def test_a_mistake_is_one_line_and_a_status(argv, status, message) -> None:
    assert await outcome(await start(*argv)) == (status, [message])


async def test_a_port_in_use_is_the_users_mistake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, lines = await outcome(await start("--listen", address))

    assert status == 2
    assert lines == [
        f"heronry learner: listen: got '{address}', allowed: an address that is free (Address already in use)"
    ]


async def test_debug_shows_the_traceback() -> None:
    status, lines = await outcome(await start("--instance", "broken", "--debug"))

    assert status == 1
    assert lines[0].startswith("Traceback")


async def test_a_process_ends_when_its_supervisor_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
    process = await start("--parent-pid", str(parent.pid))
    await serving_line(process)
    parent.kill()
    await parent.wait()

    status, lines = await outcome(process)

    assert (status, json.loads(lines[-1])["event"]) == (0, "stopped")
