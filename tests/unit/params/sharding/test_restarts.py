"""Shards that are killed and started again."""

import numpy as np
import pytest

from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import VersionNotFoundError
from heronry.types.optimizers import AdamOptimizer, SgdOptimizer


def weights(value: float, num: int = 6) -> dict[str, np.ndarray]:
    return {"w": np.full(num, value, np.float32)}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [ContributionKind.GRADIENT, ContributionKind.WEIGHTS])
def test_shards_that_are_killed_at_any_time_go_on_as_uninterrupted_ones(
    open_shards, seed: int, kind: ContributionKind
) -> None:
    rng = np.random.default_rng(seed)
    optimizer = AdamOptimizer(0.1) if kind is ContributionKind.GRADIENT else SgdOptimizer(0.5, 0.9)
    steady, crashing = open_shards(1), open_shards(2)
    for bench in (steady, crashing):
        bench.register(weights(0.5), optimizer=optimizer, consistency=BufferedAsynchronous(2, max_staleness=8))

    under_way = []
    for number in range(16):
        pushed = {"w": rng.normal(size=6).astype(np.float32)}, f"r{number}", f"worker-{number % 3}", steady.numbers[0]
        crashing.push_part(1, *pushed, kind)
        under_way.append(pushed)
        # Of the later shard alone: the first one would refuse weights of the epoch before.
        if rng.random() < 0.5:
            assert not crashing.restart(1, checkpoint=rng.random() < 0.5)
        # Some parts wait while versions come and go.
        for pushed in under_way[: rng.integers(0, 3)]:
            under_way.remove(pushed)
            steady.push_part(0, *pushed, kind)
            crashing.push_part(0, *pushed, kind)
        if rng.random() < 0.6:
            crashing.follow()
    crashing.follow()

    assert crashing.numbers == steady.numbers * 2
    assert steady.numbers[0] > 3
    assert crashing.flat == steady.flat


@pytest.mark.parametrize("seed", range(4))
def test_a_first_shard_that_is_killed_tells_the_later_ones_the_same_rounds(open_shards, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steady, crashing = open_shards(1), open_shards(3)
    for bench in (steady, crashing):
        bench.register(weights(0.5), optimizer=AdamOptimizer(0.1), consistency=BufferedAsynchronous(3))

    for number in range(12):
        values = {"w": rng.normal(size=6).astype(np.float32)}
        for bench in (steady, crashing):
            bench.push(values, f"r{number}", f"worker-{number % 3}")
        if rng.random() < 0.4:
            assert not crashing.restart(int(rng.integers(0, 3)), checkpoint=rng.random() < 0.5)
        if rng.random() < 0.3:
            crashing.follow()
    crashing.follow()

    assert crashing.numbers == steady.numbers * 3
    assert crashing.flat == steady.flat


def test_a_part_that_was_taken_before_the_crash_is_not_taken_again(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(0.0))
    bench.push_part(1, weights(1.0), "waits")
    bench.push(weights(1.0), "counted")
    bench.follow()

    bench.restart(1)

    assert not bench.push_part(1, weights(1.0), "waits", base_number=1).counted
    assert not bench.push_part(1, weights(1.0), "counted", base_number=1).counted
    assert len(bench.shards[1].model("policy").waiting) == 1


def test_parts_of_older_journals_survive_many_checkpoints(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(0.0), consistency=Asynchronous(max_staleness=64))
    bench.push_part(1, weights(8.0), "late", kind=ContributionKind.DELTA)
    for number in range(6):
        bench.push(weights(1.0), f"r{number}", kind=ContributionKind.DELTA)
        bench.follow()
        bench.restart(1, checkpoint=True)

    bench.push_part(0, weights(8.0), "late", base_number=1, kind=ContributionKind.DELTA)
    bench.follow()

    assert bench.tensors["w"].tolist() == [14.0] * 6


def test_a_part_that_counted_as_zero_stays_so_when_it_comes_late(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(0.0))
    bench.push_part(0, weights(1.0), "r", kind=ContributionKind.DELTA)
    bench.follow()
    bench.push_part(1, weights(1.0), "r", kind=ContributionKind.DELTA)

    bench.restart(1)

    assert bench.tensors["w"].tolist() == [1.0] * 3 + [0.0] * 3
    assert bench.numbers == [2, 2]


def test_weights_whose_base_a_restarted_shard_does_not_have_are_refused_before_they_count(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(0.0))
    for number in range(3):
        bench.push(weights(1.0), f"r{number}", kind=ContributionKind.WEIGHTS)
    bench.follow()
    # What was replayed is there; a checkpoint keeps the newest version alone.
    bench.restart(1, checkpoint=True)

    with pytest.raises(VersionNotFoundError, match="base_version"):
        bench.push(weights(2.0), "old", base_number=2, kind=ContributionKind.WEIGHTS)

    assert bench.first.round.round_id == 4


def test_the_rounds_of_the_first_shard_survive_its_restart(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(0.0))
    for number in range(5):
        bench.push(weights(float(number)), f"r{number}")
    before = bench.shards[0].news_of_rounds("policy", 1, None).closed

    bench.restart(0)
    bench.restart(0, checkpoint=True)

    after = bench.shards[0].news_of_rounds("policy", 1, None).closed
    assert [(c.round_id, c.version.number, c.version.content_hash, c.contributions) for c in after] == [
        (c.round_id, c.version.number, c.version.content_hash, c.contributions) for c in before
    ]
