"""Ports of a mesh with TCP."""

import socket
from pathlib import Path

import pytest

from heronry.launch.local import LocalMesh, LocalMeshSettings, instances_of
from heronry.launch.ports import port_of, require_free_port
from heronry.types.errors import ConfigurationError


def test_every_service_of_the_largest_mesh_has_a_port_of_its_own() -> None:
    ports = [port_of(role, index) for role, index in instances_of(7)]

    assert len(set(ports)) == len(ports) == 11
    assert (port_of("coordinator"), port_of("fleet", 2)) == (50050, 50055)


def test_more_fleets_than_ports_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="fleets"):
        port_of("fleet", 7)


def test_a_port_in_use_is_a_named_error() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        with pytest.raises(ConfigurationError, match=rf"params-0\.listen: got '127\.0\.0\.1:{port}'"):
            require_free_port("params-0", port)


@pytest.mark.parametrize("num_fleets", [0, -1, 65])
def test_a_number_of_fleets_outside_its_range_is_refused(tmp_path: Path, num_fleets: int) -> None:
    with pytest.raises(ConfigurationError, match="fleets"):
        LocalMesh(LocalMeshSettings(tmp_path, tmp_path, num_fleets=num_fleets))


def test_the_learner_is_started_first_because_it_takes_longest() -> None:
    assert instances_of(2)[0] == ("learner", 0)
    assert instances_of(2)[-2:] == [("fleet", 0), ("fleet", 1)]
