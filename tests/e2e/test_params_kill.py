"""A parameter service killed with -9 while contributions come: what was acknowledged is there, as its level says."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from zygote import Forked, Zygote

from heronry.client import (
    AcknowledgementLevel,
    AdamOptimizer,
    BufferedAsynchronous,
    ConnectionOptions,
    ForeignEpochError,
    ModelSettings,
    ParameterVersion,
    ParamsClient,
    SgdOptimizer,
)

EXAMPLES = Path(__file__).parents[2] / "examples"
# Large enough for a kill to fall into the middle of an upload.
NUM_VALUES = 1 << 18
PER_VERSION = 3
DURABLE = [AcknowledgementLevel.PROCESS, AcknowledgementLevel.DISK]


class Service:
    """A process of its own, at one socket and one data directory."""

    def __init__(self, commands: Zygote, folder: Path) -> None:
        self._commands = commands
        self.folder = folder
        self.address = f"unix:{folder}/params.sock"
        self._process = self._started()

    def kill(self) -> None:
        """Kill it with -9 and start it again."""
        self.end()
        self._process = self._started()

    def end(self) -> None:
        self._commands.release(self._process)

    def _started(self) -> Forked:
        flags = ("--listen", self.address, "--data-dir", self.folder, "--log-level", "error")
        return self._commands.start("serve", "params", *flags)


@asynccontextmanager
async def serving(commands: Zygote, folder: Path) -> AsyncIterator[tuple[Service, ParamsClient]]:
    folder.mkdir()
    service = Service(commands, folder)
    options = ConnectionOptions(client_id="worker", retry_s=30.0, timeout_s=40.0)
    try:
        async with ParamsClient(service.address, options) as client:
            yield service, client
    finally:
        service.end()


def gradient(number: int) -> dict[str, np.ndarray]:
    return {"weight": np.random.default_rng(number).standard_normal(NUM_VALUES).astype(np.float32)}


def settings(level: AcknowledgementLevel, optimizer: AdamOptimizer | SgdOptimizer) -> ModelSettings:
    """Return settings under which a version is the mean of three, and the optimiser has a state."""
    rounds = BufferedAsynchronous(PER_VERSION, max_staleness=0)
    return ModelSettings(consistency=rounds, optimizer=optimizer, acknowledgement=level)


async def handed_in(client: ParamsClient, number: int) -> None:
    """Push a gradient until it is acknowledged; a restart asks for a base of the new epoch."""
    while True:
        base = (await client.pull("policy")).version
        try:
            await client.push("policy", gradient(number), base_version=base, request_id=f"request-{number}")
        except ForeignEpochError:
            continue
        return


async def final_state(
    commands: Zygote, folder: Path, model: ModelSettings, num_pushes: int, kills: dict[int, float]
) -> tuple[ParameterVersion, bytes, int]:
    """Push so many gradients in turn, killing the service so many seconds after some are begun."""
    async with serving(commands, folder) as (service, client):
        await client.register_model("policy", {"weight": np.zeros(NUM_VALUES, np.float32)}, model)
        for number in range(num_pushes):
            pushing = asyncio.create_task(handed_in(client, number))
            if number in kills:
                await asyncio.wait([pushing], timeout=kills[number])
                await asyncio.to_thread(service.kill)
            await pushing
        newest = await client.pull("policy")
        return newest.version, newest.flat.tobytes(), (await client.get_model("policy")).num_pending


@pytest.mark.timeout(120)
@pytest.mark.parametrize("level", DURABLE)
async def test_what_was_acknowledged_survives_and_the_rest_goes_on_bit_for_bit(
    commands: Zygote, level: AcknowledgementLevel, tmp_path: Path
) -> None:
    model = settings(level, AdamOptimizer(0.01))
    num_pushes = 4 * PER_VERSION + 1

    reference = await final_state(commands, tmp_path / "reference", model, num_pushes, {})
    # In the middle of a round, once at once and once while the contribution is under way.
    killed = await final_state(commands, tmp_path / "killed", model, num_pushes, {4: 0.0, 7: 0.004})

    assert reference[0].number == 1 + 4
    assert killed[0].number == reference[0].number
    assert killed[0].epoch == reference[0].epoch + 2
    assert killed[0].content_hash == reference[0].content_hash
    assert killed[1] == reference[1]
    assert killed[2] == reference[2] == 1


@pytest.mark.acceptance
@pytest.mark.timeout(600)
@pytest.mark.parametrize("optimizer", [AdamOptimizer(0.01), SgdOptimizer(0.1, momentum=0.9, nesterov=True)])
@pytest.mark.parametrize("level", DURABLE)
async def test_twenty_kills_lose_nothing(
    commands: Zygote, level: AcknowledgementLevel, optimizer: AdamOptimizer | SgdOptimizer, tmp_path: Path
) -> None:
    model, rng = settings(level, optimizer), np.random.default_rng(11)
    num_pushes = 40 * PER_VERSION
    # Between two kills one push is acknowledged: every start has an epoch.
    moments = {int(n): float(rng.uniform(0, 0.02)) for n in 2 * rng.choice(num_pushes // 2, 20, replace=False)}

    reference = await final_state(commands, tmp_path / "reference", model, num_pushes, {})
    killed = await final_state(commands, tmp_path / "killed", model, num_pushes, moments)

    assert killed[0].epoch == reference[0].epoch + len(moments)
    assert (killed[0].number, killed[1]) == (reference[0].number, reference[1])


@pytest.mark.timeout(60)
async def test_memory_goes_back_to_the_last_checkpoint_in_a_new_epoch(commands: Zygote, tmp_path: Path) -> None:
    model = settings(AcknowledgementLevel.MEMORY, SgdOptimizer(1.0))
    async with serving(commands, tmp_path / "service") as (service, client):
        await client.register_model("policy", {"weight": np.zeros(NUM_VALUES, np.float32)}, model)
        for number in range(PER_VERSION):
            await handed_in(client, number)
        await client.save_checkpoint()
        saved = await client.pull("policy")
        for number in range(PER_VERSION, 2 * PER_VERSION):
            await handed_in(client, number)
        lost = await client.pull("policy")

        await asyncio.to_thread(service.kill)
        found = await client.pull("policy")

        assert lost.version.number == saved.version.number + 1
        assert (found.version.number, found.flat.tobytes()) == (saved.version.number, saved.flat.tobytes())
        assert found.version.epoch > lost.version.epoch
        # Nothing computed at a version that is gone is taken for something of today.
        with pytest.raises(ForeignEpochError, match=r"base_version\.epoch"):
            await client.push("policy", gradient(9), base_version=lost.version)
        # What was lost may be sent again; what was kept is not counted twice.
        again = [
            await client.push("policy", gradient(n), base_version=found.version, request_id=f"request-{n}")
            for n in (PER_VERSION, 0)
        ]
        assert [answer.counted for answer in again] == [True, False]


@pytest.mark.acceptance
@pytest.mark.timeout(180)
def test_rounds_of_four_workers_go_on_when_the_service_is_killed(commands: Zygote, tmp_path: Path) -> None:
    service = Service(commands, tmp_path)
    command = [sys.executable, str(EXAMPLES / "federated_averaging.py"), "--address", service.address]
    lines: list[str] = []
    with subprocess.Popen([*command, "--rounds", "40"], stdout=subprocess.PIPE, text=True) as example:
        try:
            for line in example.stdout or ():
                lines.append(line)
                # The line of a round comes while the next one is under way.
                if line.split()[0] in {"5", "15", "25"}:
                    service.kill()
            code = example.wait(60)
        finally:
            example.kill()
            service.end()

    rounds = [line.split()[0] for line in lines[1:42]]
    assert rounds == [str(number) for number in range(41)]
    assert code == 0, lines
