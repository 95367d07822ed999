"""A private model's service killed with -9 around its releases: the ledger never counts less than was seen."""

import asyncio
import contextlib
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from zygote import Forked, Zygote

from heronry.client import (
    BufferedAsynchronous,
    ConnectionOptions,
    ContributionKind,
    ModelSettings,
    ParamsClient,
)
from heronry.privacy.accounting import gaussian_epsilon
from heronry.privacy.ledger import verify
from heronry.types.errors import (
    DeadlineExceededError,
    FailedPreconditionError,
    StaleContributionError,
    UnavailableError,
)
from heronry.types.privacy import (
    BufferedFactorisation,
    CorrelatedNoise,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)
from heronry.types.tensors import content_hash

PATIENCE_S = 30.0
NEVER_SERVES_S = 20.0
POINTS = ["before_reserve", "after_reserve", "after_noise", "after_publish", "after_commit"]
HORIZON = 5
NOISES = {
    "independent": IndependentNoise(1.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
    # Short horizons, so that kills fall into the first release of one as well.
    "correlated": CorrelatedNoise(1.0, HORIZON, HORIZON, 1, BufferedFactorisation(2)),
}
NUM_VALUES = 64
CLIENTS = ("anna", "bert")
# The version that is no release.
FIRST = content_hash(np.zeros(4 * NUM_VALUES, np.uint8))


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    started = Zygote(Path(__file__).with_name("params_zygote.py"))
    yield started
    started.close()


def claim(noise: str) -> ModelSettings:
    privacy = PrivacySettings(
        unit=PrivacyUnit.CLIENT,
        relation=NeighbourRelation.ZERO_OUT_ONE,
        population=10,
        delta=1e-3,
        epsilon_limit=1e5,
        clip=FixedClip(1.0),
        noise=NOISES[noise],
    )
    return ModelSettings(consistency=BufferedAsynchronous(len(CLIENTS), max_staleness=0), privacy=privacy)


class Killed:
    """A service over one folder that is killed again and again, its clients, and what was seen of it."""

    def __init__(self, zygote: Zygote, folder: Path, noise: str, seed: int) -> None:
        self._zygote = zygote
        self._folder = folder
        self._noise = NOISES[noise]
        self._settings = claim(noise)
        self._chance = random.Random(seed)
        self._num_starts = 0
        self.seen: set[bytes] = set()
        self.num_checked = 0

    @property
    def ledger(self) -> Path:
        (found,) = self._folder.glob("data/**/privacy.sqlite")
        return found

    def start(self, point: str, nth: int = 1, delay_s: float = 0.0) -> tuple[Forked, str]:
        """Start the service; return its process and its address."""
        self._num_starts += 1
        address = f"unix:{self._folder}/{self._num_starts}.sock"
        flags = ["--listen", address, "--data-dir", self._folder / "data", "--log-level", "error"]
        return self._zygote.start(point, nth, delay_s, *flags), address

    async def kill_at(self, point: str) -> None:
        """Serve until the process dies at a point, clients and an observer at work."""
        delay_s = self._chance.choice((0.0, 0.005, 0.02)) if point == "after_commit" else 0.0
        service, address = self.start(point, self._chance.randint(1, 3), delay_s)
        work = asyncio.create_task(self._work(address))
        dying = asyncio.create_task(asyncio.to_thread(service.wait))
        await asyncio.wait({work, dying}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        # A client may notice a little earlier than the zygote.
        await asyncio.wait({dying}, timeout=10.0)
        if not dying.done():
            service.send_signal(signal.SIGKILL)
            await dying
            lost = work.exception() if work.done() else None
            raise AssertionError(f"{point} was not reached: {service.err}") from lost
        assert await dying == -signal.SIGKILL, service.err
        # When it was killed before it served, the clients still wait for it.
        done, _ = await asyncio.wait({work}, timeout=1.0)
        work.cancel()
        assert not done or _is_lost(work.exception()), work.exception()
        await asyncio.wait({work})

    async def check(self) -> None:
        """Start the service once more, and compare what the ledger counts with what was seen."""
        if self.seen:
            assert verify(self.ledger).is_sound
        service, address = self.start("never")
        try:
            async with self._client("observer", address) as client:
                await _answers(client)
                await self._compare(client)
        finally:
            service.terminate()
            assert await asyncio.to_thread(service.wait) == 0

    async def _work(self, address: str) -> None:
        async with contextlib.AsyncExitStack() as stack:
            observer, *clients = [
                await stack.enter_async_context(self._client(name, address)) for name in ("observer", *CLIENTS)
            ]
            await _answers(observer)
            await observer.register_model("policy", {"w": np.zeros(NUM_VALUES, np.float32)}, self._settings)
            await self._compare(observer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._observe(observer))
                for client in clients:
                    group.create_task(self._push(client))

    async def _compare(self, client: ParamsClient) -> None:
        """Check that every version that was seen is paid for, by the service's own account and by each client."""
        status = await client.get_privacy_status("policy")
        num_seen = len(self.seen - {FIRST})
        assert status.num_releases >= num_seen
        # With correlated noise a horizon of five releases is paid for at once, by everybody.
        num_paid = -(-num_seen // HORIZON) if isinstance(self._noise, CorrelatedNoise) else num_seen
        least = gaussian_epsilon(1.0, num_paid, status.delta) if num_paid else 0.0
        assert status.epsilon_spent >= least * (1 - 1e-9)
        for spending in await client.list_client_spendings("policy"):
            assert spending.num_participations >= num_seen
        self.num_checked += 1

    async def _observe(self, client: ParamsClient) -> None:
        async for version in client.watch("policy"):
            # By content: another release under the number of a lost one is another release.
            self.seen.add(version.version.content_hash)

    async def _push(self, client: ParamsClient) -> None:
        while True:
            newest = await client.pull("policy")
            values = {"w": np.ones(NUM_VALUES, np.float32)}
            # Counted already before a restart, or the other client was faster.
            with contextlib.suppress(FailedPreconditionError, StaleContributionError, DeadlineExceededError):
                await client.push("policy", values, base_version=newest.version, kind=ContributionKind.DELTA)
            await client.pull("policy", newer_than=newest.version, wait_s=PATIENCE_S)

    @staticmethod
    def _client(name: str, address: str) -> ParamsClient:
        # Whoever has lost the service is to say so at once.
        return ParamsClient(address, ConnectionOptions(client_id=name, retry_s=0.2, reconnect_s=0.2))


async def _answers(client: ParamsClient) -> None:
    """Wait until the service has begun; a process that was killed before it did leaves nobody to answer."""
    async with asyncio.timeout(NEVER_SERVES_S):
        while True:
            with contextlib.suppress(UnavailableError):
                await client.list_models()
                return


def _is_lost(ended: BaseException | None) -> bool:
    """Tell whether work ended by losing the service."""
    if isinstance(ended, BaseExceptionGroup):
        return all(_is_lost(each) for each in ended.exceptions)
    return isinstance(ended, UnavailableError)


async def killed_service(zygote: Zygote, folder: Path, noise: str, point: str, num_kills: int) -> Killed:
    """Kill a service so often at one point; the ledger is compared with what was seen after each."""
    killed = Killed(zygote, folder, noise, seed=num_kills)
    for _ in range(num_kills):
        await killed.kill_at(point)
        assert verify(killed.ledger).is_sound
    await killed.check()
    return killed


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("point", [*POINTS, "after_draw"])
async def test_two_kills_around_a_release_leave_nothing_unpaid(
    zygote: Zygote, tmp_path: Path, noise: str, point: str
) -> None:
    killed = await killed_service(zygote, tmp_path, noise, point, num_kills=2)

    assert killed.num_checked >= 2


@pytest.mark.acceptance
@pytest.mark.timeout(300)
@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("point", [*POINTS, "after_draw"])
async def test_twenty_kills_around_a_release_leave_nothing_unpaid(
    zygote: Zygote, tmp_path: Path, noise: str, point: str
) -> None:
    killed = await killed_service(zygote, tmp_path, noise, point, num_kills=20)

    # Lives that ended at their first release, before anybody was served, show nothing.
    assert len(killed.seen) > 10
    assert killed.num_checked > 10
