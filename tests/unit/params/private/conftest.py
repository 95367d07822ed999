"""Models with a privacy claim: settings in full, a ledger in a folder of the test's own, and crashes."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heronry.params.core.durability.state_folder import StateFolder
from heronry.params.core.models import Models
from heronry.params.core.private.guards import FolderGuards
from heronry.types.contribution import ContributionKind
from heronry.types.experience import AcknowledgementLevel
from heronry.types.privacy import (
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
)


@pytest.fixture(scope="session")
def claim() -> Callable[..., PrivacySettings]:
    """Return a claim's settings: independent noise, not amplified, unless something else is named.

    The relation is that of the noise: present or absent where it is amplified, else replaced by zeros.
    """

    def settings(**changed: object) -> PrivacySettings:
        noise = changed.get("noise")
        is_amplified = isinstance(noise, IndependentNoise) and noise.is_amplified
        fields: dict[str, object] = {
            "unit": PrivacyUnit.CLIENT,
            "relation": NeighbourRelation.ADD_OR_REMOVE_ONE if is_amplified else NeighbourRelation.ZERO_OUT_ONE,
            "population": 50,
            "delta": 1e-5,
            "epsilon_limit": 1000.0,
            "clip": FixedClip(1.0),
            "noise": IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=False),
        }
        return PrivacySettings(**{**fields, **changed})

    return settings


def level_of(privacy: object) -> dict[str, object]:
    """Return the level that a claim asks for; none for most."""
    is_episode = isinstance(privacy, PrivacySettings) and privacy.unit is PrivacyUnit.EPISODE
    return {"acknowledgement": AcknowledgementLevel.DISK} if is_episode else {}


class PrivateCalls:
    """What a bench does and tells of a private model, over the bench of any model."""

    def register(self, *values: float, **settings: object):
        return super().register(*values, **{**level_of(settings.get("privacy")), **settings})

    def push_delta(self, client_id: str, *values: float, **fields: object):
        return self.push(*values, client_id=client_id, kind=ContributionKind.DELTA, **fields)

    def rejoin(self, *client_ids: str) -> None:
        """Renew the leases of clients, as the clock has moved on."""
        for client_id in client_ids:
            self.models.register_worker("policy", client_id, 1, self.now_s)

    @property
    def status(self):
        return self.models.privacy_status("policy")

    @property
    def num_releases(self) -> int:
        """Releases reserved so far; the whole status works out epsilons besides."""
        return self.model.privacy.guard.num_releases

    @property
    def ledger(self):
        return self.guards._ledger

    @property
    def state(self):
        return self.model.privacy.state


@pytest.fixture(scope="session")
def make_private(make_bench) -> Callable[..., object]:
    """Return the bench whose ledger lies in `folder`; with `seed` its noise is that of the test mode."""

    class PrivateBench(PrivateCalls, make_bench):
        def __init__(
            self, folder: Path, log: object = None, epoch: int = 1, *, seed: int | None = None, chance: int = 0
        ) -> None:
            super().__init__(log, epoch)
            self.guards = FolderGuards(folder, "bench", seed)
            self.models = Models(
                self.log,
                epoch,
                10.0,
                pool=self.pool,
                spill_dir=Path(tempfile.gettempdir()),
                chance=random.Random(chance),
                guards=self.guards,
                new_flat=lambda num_bytes: np.empty(num_bytes, np.uint8),
            )
            self.problems: list[Exception] = []

    return PrivateBench


@pytest.fixture
def private_bench(make_private, tmp_path: Path) -> Callable[..., object]:
    """Make benches with a ledger and no journal, each in a folder of its own."""
    made = []

    def make(**options: object):
        folder = tmp_path / f"bench-{len(made)}"
        folder.mkdir()
        made.append(make_private(folder, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.models.close()


@pytest.fixture
def open_private(make_private, tmp_path: Path) -> Callable[..., object]:
    """Open a state folder as a service does; earlier openings are closed as by a crash: nothing more is written."""
    opened = []

    def open_again(name: str = "params", *, checkpoint: bool = True, **options: object):
        for bench in opened:
            bench.models.close()
            bench.log.close()
        opened.clear()
        folder = StateFolder(tmp_path / name)
        recovered = folder.recover()
        folder.enter(recovered.epoch + 1)
        bench = make_private(folder.path, folder, recovered.epoch + 1, **options)
        opened.append(bench)
        bench.problems = [*bench.models.restore(recovered), *recovered.problems]
        if recovered.is_empty or not checkpoint:
            folder.rotate()
        else:
            folder.write(bench.models.begin_checkpoint())
        return bench

    yield open_again
    for bench in opened:
        bench.models.close()
        bench.log.close()
