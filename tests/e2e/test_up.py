"""`heronry up` at the terminal: one mesh at a time, and what it tells."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from heronry.launch.ports import port_of, require_free_port
from heronry.types.errors import ConfigurationError

ROLES = ("coordinator", "params", "replay", "fleet", "learner")


@pytest.fixture(autouse=True)
def free_ports() -> None:
    try:
        for role in ROLES:
            require_free_port(role, port_of(role))
    except ConfigurationError as error:
        pytest.skip(f"somebody else holds a port: {error}")


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stdout:
        yield line
        if "heronry train" in line:
            return


@pytest.mark.timeout(90)
def test_up_shows_the_addresses_and_serves_and_a_second_one_is_refused_at_once(
    start_heronry, heronry, tmp_path: Path
) -> None:
    up = start_heronry("up")
    state = tmp_path / "state" / "heronry" / "mesh.json"
    deadline = time.monotonic() + 30
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.01)

    while_starting = heronry("up", timeout_s=20)
    shown = list(lines_of(up))
    while_up = heronry("up", timeout_s=20)
    status = heronry("status")
    services = {s["instance"]: s for s in heronry("status", "--json").result["services"]}
    down = heronry("down")

    for refused in (while_starting, while_up):
        assert refused.code == 2
        assert f"a mesh is already up or starting (pid {up.pid}); heronry down ends it" in refused.err
    for role in ROLES:
        assert any(f"{role}-0" in line and f"127.0.0.1:{port_of(role)}" in line for line in shown), shown
        assert f"{role}-0" in status.out
    assert max(len(line) for line in status.out.splitlines()) <= 80
    assert len(status.out.splitlines()) == 1 + len(ROLES)
    assert set(services) == {f"{role}-0" for role in ROLES}
    assert services["params-0"]["addresses"][-1] == f"127.0.0.1:{port_of('params')}"
    assert all(service["has_lease"] for service in services.values())
    assert down.code == 0, down
    assert up.wait(timeout=15) == 0
    assert not state.exists()
