"""A ledger that was altered, or is older than its models: `heronry serve params` refuses to start, and says why."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from zygote import Forked

from heronry.client import ConnectionOptions, ContributionKind, ModelSettings, ParamsClient
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)

PATIENCE_S = 30.0
CLAIM = PrivacySettings(
    unit=PrivacyUnit.CLIENT,
    relation=NeighbourRelation.ZERO_OUT_ONE,
    population=10,
    delta=1e-3,
    epsilon_limit=100.0,
    clip=FixedClip(1.0),
    noise=IndependentNoise(1.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
)


class Served:
    """A service as a user starts it, again and again over one folder."""

    def __init__(self, folder: Path, start: Callable[..., Forked]) -> None:
        self._folder = folder
        self._start = start
        self._num_starts = 0

    @property
    def ledger(self) -> Path:
        (found,) = (self._folder / "data").glob("**/privacy.sqlite")
        return found

    def begun(self, *, serves: bool = True) -> tuple[Forked, str]:
        self._num_starts += 1
        socket = self._folder / f"{self._num_starts}.sock"
        flags = ("--data-dir", self._folder / "data", "--log-level", "error")
        return self._start("params", socket, *flags, serves=serves), f"unix:{socket}"

    def make_release(self) -> int:
        """Serve, make one release, drain; return how many the ledger then counts."""
        process, address = self.begun()
        num_releases = asyncio.run(_one_release(address))
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        return num_releases

    def refusal(self) -> tuple[int, str]:
        """Start a service that does not come up; return its exit code and what it says."""
        process, _ = self.begun(serves=False)
        return process.wait(PATIENCE_S), process.err


async def _one_release(address: str) -> int:
    async with ParamsClient(address, ConnectionOptions(client_id="anna", retry_s=PATIENCE_S, timeout_s=40.0)) as client:
        await client.list_models()
        values = {"w": np.zeros(16, np.float32)}
        newest, _ = await client.register_model("policy", values, ModelSettings(privacy=CLAIM))
        await client.push("policy", values, base_version=newest, kind=ContributionKind.DELTA)
        return (await client.get_privacy_status("policy")).num_releases


@pytest.fixture
def served(tmp_path: Path, start_service: Callable[..., Forked]) -> Served:
    return Served(tmp_path, start_service)


@pytest.mark.timeout(120)
def test_an_older_ledger_is_refused_and_the_right_one_goes_on(served: Served, tmp_path: Path) -> None:
    assert served.make_release() == 1
    older, newer = tmp_path / "older.sqlite", tmp_path / "newer.sqlite"
    shutil.copy(served.ledger, older)
    assert served.make_release() == 2
    shutil.copy(served.ledger, newer)

    shutil.copy(older, served.ledger)
    code, says = served.refusal()

    assert code != 0
    assert "Traceback" not in says
    assert len(says.strip().splitlines()) == 1
    assert str(served.ledger) in says
    assert "older" in says
    shutil.copy(newer, served.ledger)
    assert served.make_release() == 3


@pytest.mark.timeout(120)
def test_a_ledger_that_is_gone_is_refused(served: Served) -> None:
    served.make_release()
    ledger = served.ledger
    ledger.unlink()

    code, says = served.refusal()

    assert code != 0
    assert len(says.strip().splitlines()) == 1
    assert str(ledger) in says


@pytest.mark.timeout(120)
def test_a_flipped_byte_is_refused_and_named(served: Served) -> None:
    served.make_release()
    content = bytearray(served.ledger.read_bytes())
    # A release that cost less than it did.
    place = content.index(b'"noise_multiplier":1.0') + len(b'"noise_multiplier":')
    content[place] ^= 0b0110
    served.ledger.write_bytes(content)

    code, says = served.refusal()

    assert code != 0
    assert len(says.strip().splitlines()) == 1
    assert str(served.ledger) in says
    assert "row" in says
