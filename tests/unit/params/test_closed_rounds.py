"""What a model that is cut into shards remembers of its rounds."""

import pytest

from heronry.types.blocking import WouldBlock
from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError
from heronry.types.models import Shard

FIRST = Shard(0, 2)


def names(bench, after: int) -> list[tuple[int, list[str]]]:
    closed = bench.models.closed_rounds("policy", after)
    return [(c.round_id, [part.request_id for part in c.contributions]) for c in closed]


def test_rounds_are_told_in_order_with_what_they_counted(bench) -> None:
    bench.register(0.0, shard=FIRST, consistency=BufferedAsynchronous(2, staleness_exponent=1.0))
    base = bench.version
    for request_id in "abcd":
        bench.push(1.0, kind=ContributionKind.DELTA, request_id=request_id, base_version=base)

    assert names(bench, 0) == [(1, ["a", "b"]), (2, ["c", "d"])]
    assert names(bench, 1) == [(2, ["c", "d"])]
    (closed,) = bench.models.closed_rounds("policy", 1)
    assert [part.factor for part in closed.contributions] == [0.5, 0.5]
    assert closed.version == bench.version


def test_whoever_has_seen_all_waits_for_the_next_even_over_a_rollback(bench) -> None:
    bench.register(0.0, shard=FIRST)
    with pytest.raises(WouldBlock) as waiting:
        bench.models.closed_rounds("policy", 0)
    bench.models.rollback("policy", 1, None, "back", 100.0)
    with pytest.raises(WouldBlock) as again:
        bench.models.closed_rounds("policy", 0)
    bench.push(1.0)

    assert again.value.condition in bench.woken
    assert waiting.value.condition != again.value.condition
    assert names(bench, 0) == [(2, ["request-1-1"])]


def test_rounds_that_are_forgotten_are_refused_by_name(bench) -> None:
    bench.register(0.0, shard=FIRST, consistency=Asynchronous())
    for _ in range(1030):
        bench.push(1.0, kind=ContributionKind.DELTA)

    with pytest.raises(FailedPreconditionError, match="older rounds are forgotten"):
        bench.models.closed_rounds("policy", 0)
    assert len(names(bench, 6)) == 1024


def test_whole_models_remember_no_rounds(bench) -> None:
    bench.register(0.0)

    with pytest.raises(FailedPreconditionError, match="a shard"):
        bench.models.closed_rounds("policy", 0)


def test_closed_rounds_outlive_a_crash(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, shard=FIRST)
    bench.push(1.0, request_id="a")
    folder.write(bench.models.begin_checkpoint())
    bench.push(2.0, request_id="b")

    bench, _ = open_folder()

    assert names(bench, 0) == [(1, ["a"]), (2, ["b"])]
