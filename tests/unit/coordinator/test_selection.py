"""What is kept as the best version, and what is judged."""

from collections.abc import Callable

import pytest

from heronry.coordinator.core.run import Run
from heronry.coordinator.playing import Game
from heronry.coordinator.selection import BEST, play_best, tag_best
from heronry.types.models import VersionInfo
from heronry.types.run import Evaluation
from heronry.types.version import ParameterVersion

PASSED = ParameterVersion(1, 7, b"\x07" * 32)
RESTORED = ParameterVersion(2, 7, b"\x07" * 32)
OTHER = ParameterVersion(2, 7, b"\x08" * 32)
NEWEST = ParameterVersion(2, 9, b"\x09" * 32)


class FakeParams:
    """Keeps versions by number."""

    def __init__(self, *versions: ParameterVersion) -> None:
        self.versions = {version.number: version for version in versions}
        self.tags: dict[str, int] = {}

    async def list_versions(self, model: str) -> list[VersionInfo]:
        return [
            VersionInfo(v, tuple(tag for tag, number in self.tags.items() if number == v.number), 0.0)
            for v in self.versions.values()
        ]

    async def tag_version(self, model: str, tag: str, number: int = 0) -> ParameterVersion:
        self.tags[tag] = number
        return self.versions[number]


class FakePlayer:
    """Plays the version under a tag; None is the newest."""

    def __init__(self, versions: dict[str | None, ParameterVersion]) -> None:
        self.versions = versions
        self.seeds: list[int] = []

    async def play(self, game: Game, timeout_s: float) -> Evaluation:
        self.seeds.append(game.seed)
        return Evaluation(self.versions[game.tag], (1.0,), (1,))


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    made = make_run()
    for _ in range(2):
        made.plan.record(PASSED, [500.0] * 10, 100, 1.0)
    return made


async def test_a_restored_version_gets_the_tag_by_its_content() -> None:
    params = FakeParams(RESTORED, NEWEST)

    assert await tag_best(params, PASSED)
    assert params.tags == {BEST: 7}


async def test_a_number_that_stands_for_other_values_is_never_tagged_instead() -> None:
    params = FakeParams(OTHER, NEWEST)

    assert not await tag_best(params, PASSED)
    assert params.tags == {}


async def test_the_version_that_passed_is_judged_in_whatever_epoch(run: Run) -> None:
    judged = await play_best(FakePlayer({BEST: RESTORED, None: NEWEST}), run, 1.0)

    assert judged.version == RESTORED
    assert run.plan.has_reached_target


async def test_a_judgement_of_other_values_is_thrown_away_and_the_target_does_not_count_as_reached(run: Run) -> None:
    player = FakePlayer({BEST: OTHER, None: NEWEST})

    judged = await play_best(player, run, 1.0)

    assert judged.version == NEWEST
    assert not run.plan.has_reached_target
    assert run.plan.best is None
    assert len(set(player.seeds)) == 2
