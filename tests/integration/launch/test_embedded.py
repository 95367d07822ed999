"""The embedded mesh: real services on a background thread."""

import asyncio
import threading
from pathlib import Path

import pytest

from heronry.client.coordinator import CoordinatorClient
from heronry.launch.embedded import EmbeddedMesh

INSTANCES = {"params-0", "replay-0", "fleet-0", "fleet-1", "learner-0"}


async def registered(address: str, wanted: set[str]) -> set[str]:
    """Return the registered instances once all that are wanted are there."""
    async with CoordinatorClient(address) as coordinator, asyncio.timeout(20):
        while True:
            found = {service.instance for service in await coordinator.list_services()}
            if wanted <= found:
                return found
            await asyncio.sleep(0.02)


async def test_every_service_registers_and_the_callers_loop_stays_free(tmp_path: Path) -> None:
    async with EmbeddedMesh(data_dir=tmp_path, num_fleets=2) as mesh:
        found = await registered(mesh.address, INSTANCES)

        assert found >= INSTANCES
        assert Path(mesh.address.removeprefix("unix:")).is_socket()
    assert not Path(mesh.address.removeprefix("unix:")).exists()


def test_it_is_a_plain_context_manager_too_and_ends_its_thread() -> None:
    before = threading.active_count()

    with EmbeddedMesh() as mesh:
        data_dir = mesh.data_dir
        assert "params-0" in asyncio.run(registered(mesh.address, {"params-0"}))

    assert not data_dir.exists()
    assert not [thread for thread in threading.enumerate() if thread.name == "heronry-embedded"]
    assert threading.active_count() <= before + 1


def test_its_address_is_not_known_before_it_is_started(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        _ = EmbeddedMesh(data_dir=tmp_path).address
