"""`heronry fleet` at the terminal, with a fleet at work behind it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from heronry.client.sync import Mesh
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace

SPEC = {
    "environment": {"id": "CartPole-v1"},
    "algorithm": {"name": "external"},
    "network": {"hidden": [8]},
    "fleet": {"num_envs": 4, "unroll_length": 16},
    "replay": {"queue_size": 10_000},
}


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, str]]:
    """Services by role; the fleet has collected something."""
    network = network_for("external", Layers((8,)), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2))
    with Mesh.embedded() as mesh:
        mesh.start_run(SPEC)
        mesh.params.register_model("policy", network.init(np.random.default_rng(0)))
        deadline = time.monotonic() + 30
        while mesh.fleet.statistics().num_unrolls == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield {service.role.value: service.addresses[0] for service in mesh.coordinator.list_services()}


@pytest.fixture(scope="module")
def address(addresses: dict[str, str]) -> str:
    """Of the fleet."""
    return addresses["fleet"]


def test_a_fleet_tells_what_it_does(heronry, address: str) -> None:
    told = heronry("fleet", "status", "--address", address)
    fields = heronry("fleet", "status", "--address", address, "--json").result

    assert told.code == 0, told.err
    assert told.out.splitlines()[0].endswith(": 4 lanes of CartPole-v1")
    assert "engine: native; policy: native" in told.out
    assert fields["steps"] >= 64
    assert fields["unrolls"] >= 1
    assert fields["restarts"] == 0


@pytest.mark.parametrize(("name", "kind"), [("film.gif", "GIF"), ("film.png", "PNG")])
def test_an_episode_is_filmed(heronry, address: str, tmp_path: Path, name: str, kind: str) -> None:
    finished = heronry("fleet", "record", name, "--address", address, "--max-steps", "5", "--json")

    assert finished.code == 0, finished.err
    assert json.loads(finished.out)["length"] <= 5
    with Image.open(tmp_path / name) as film:
        assert film.format == kind
        assert film.size == (400, 300)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("film.mp4",), "DEST: got 'film.mp4', allowed: a name that ends with .gif or .png"),
        (("none/film.gif",), "DEST: got 'none/film.gif', allowed: a file in a folder that is there"),
        (("film.gif", "--max-steps", "0"), "--max-steps: got 0, allowed: 1 to 10,000"),
        (("film.gif", "--seed", "-3"), "--seed: got -3, allowed: 0 to 9,223,372,036,854,775,807"),
        (("film.gif", "--fps", "99"), "--fps: got 99, allowed: 1 to 50"),
        (("film.gif", "--number", "1", "--tag", "best"), "--tag: got 'best', allowed: without --number"),
        (("film.gif", "--tag", "beste"), "beste"),
    ],
)
def test_wrong_input_is_refused_by_name(heronry, address: str, arguments: tuple[str, ...], said: str) -> None:
    refused = heronry("fleet", "record", *arguments, "--address", address)

    assert refused.code == 2
    assert said in refused.err
    assert "Traceback" not in refused.err


def test_nobody_at_the_address_is_said(heronry, tmp_path: Path) -> None:
    refused = heronry("fleet", "status", "--address", f"unix:{tmp_path}/none.sock")

    assert refused.code == 2
    assert "allowed: one where a fleet answers (`heronry serve fleet` starts one)" in refused.err


def test_a_service_of_another_kind_at_the_address_is_said(heronry, addresses: dict[str, str]) -> None:
    refused = heronry("fleet", "status", "--address", addresses["params"])

    assert refused.code == 2
    assert "allowed: one where a fleet answers" in refused.err
