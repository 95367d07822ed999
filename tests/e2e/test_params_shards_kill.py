"""Shards that are killed while contributions come in."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from heronry.client.options import ConnectionOptions
from heronry.client.sharded_params import ShardedParamsClient
from heronry.types.contribution import ContributionKind
from heronry.types.errors import ForeignEpochError, HeronryError
from heronry.types.experience import AcknowledgementLevel
from heronry.types.models import ModelSettings

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

_NUM_PUSHES = 40
_KILLED_AT = (10, 25)


class Process:
    """A service of its own, on a socket and a folder that outlive it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix:{folder}/params.sock"
        folder.mkdir()
        self.start()

    def start(self) -> None:
        flags = ["--data-dir", str(self._folder), "--listen", self.address, "--log-level", "error"]
        self._process = subprocess.Popen([sys.executable, "-m", "heronry.params", *flags], env={**os.environ})

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.mark.parametrize("level", [AcknowledgementLevel.PROCESS, AcknowledgementLevel.DISK])
@pytest.mark.parametrize("killed", [0, 1])
async def test_shards_that_are_killed_lose_nothing_and_never_part(
    tmp_path: Path, killed: int, level: AcknowledgementLevel
) -> None:
    processes = [Process(tmp_path / str(index)) for index in range(2)]
    options = ConnectionOptions(client_id="worker", retry_s=20.0, timeout_s=20.0)
    client = ShardedParamsClient([process.address for process in processes], options)
    counted = 0
    try:
        async with asyncio.timeout(80):
            zeros = {"weight": np.zeros(10, np.float32)}
            await client.register_model("policy", zeros, ModelSettings(acknowledgement=level))
            for number in range(_NUM_PUSHES):
                base = (await client.pull("policy", wait_s=20.0)).version
                pushing = asyncio.create_task(pushed(client, base, number))
                if number in _KILLED_AT:
                    for _ in range(number):
                        # Somewhere on the way of the contribution.
                        await asyncio.sleep(0)
                    await asyncio.to_thread(processes[killed].kill)
                    processes[killed].start()
                counted += await pushing
            pulled = await client.pull("policy", wait_s=20.0)
    finally:
        await client.close()
        for process in processes:
            process.kill()

    values = np.unique(pulled["weight"])
    # A push whose answer the kill cut off may have been counted before; repeated, it is refused for its epoch.
    assert values.tolist() == [pulled.version.number - 1]
    assert counted <= pulled.version.number - 1 <= _NUM_PUSHES
    assert counted >= _NUM_PUSHES - len(_KILLED_AT)
    pulled.verify()


async def pushed(client: ShardedParamsClient, base, number: int) -> bool:
    """Push a difference of ones; tell whether it is known to count."""
    values = {"weight": np.ones(10, np.float32)}
    fields = {"base_version": base, "kind": ContributionKind.DELTA, "request_id": f"r{number}"}
    try:
        await client.push("policy", values, **fields)
    except ForeignEpochError:
        return False
    except HeronryError as error:
        raise AssertionError(f"{number}: {error!r}") from error
    return True
