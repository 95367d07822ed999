"""What a model that is cut into shards remembers of its rounds."""

import numpy as np
import pytest

from heronry.params.core.conditions import news_condition
from heronry.params.core.model_update import ModelUpdate
from heronry.types.blocking import WouldBlock
from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import DataLossError, FailedPreconditionError
from heronry.types.models import ModelSettings, Shard

FIRST = Shard(0, 2)


def names(bench, after: int) -> list[tuple[int, list[str]]]:
    closed = bench.models.news_of_rounds("policy", after, None).closed
    return [(c.round_id, [part.request_id for part in c.contributions]) for c in closed]


def test_rounds_are_told_in_order_with_what_they_counted(bench) -> None:
    bench.register(0.0, shard=FIRST, consistency=BufferedAsynchronous(2, staleness_exponent=1.0))
    base = bench.version
    for request_id in "abcd":
        bench.push(1.0, kind=ContributionKind.DELTA, request_id=request_id, base_version=base)

    assert names(bench, 0) == [(1, ["a", "b"]), (2, ["c", "d"])]
    assert names(bench, 1) == [(2, ["c", "d"])]
    (closed,) = bench.models.news_of_rounds("policy", 1, None).closed
    assert [part.factor for part in closed.contributions] == [0.5, 0.5]
    assert closed.version == bench.version


def test_whoever_has_seen_all_waits_for_the_next(bench) -> None:
    bench.register(0.0, shard=FIRST)
    told = bench.models.news_of_rounds("policy", 0, None).settings
    with pytest.raises(WouldBlock) as waiting:
        bench.models.news_of_rounds("policy", 0, told)
    bench.push(1.0)

    assert waiting.value.condition in bench.woken
    assert names(bench, 0) == [(1, ["request-1-1"])]


def test_whoever_knows_other_settings_is_told_of_these_before_a_round_closes(bench) -> None:
    bench.register(0.0, shard=FIRST)
    told = bench.models.news_of_rounds("policy", 0, None).settings

    changed = bench.models.update("policy", ModelUpdate(num_versions_kept=3))
    news = bench.models.news_of_rounds("policy", 0, told)
    bench.push(1.0)

    assert news_condition("policy") in changed.conditions
    assert (news.closed, news.settings.num_versions_kept) == ((), 3)
    assert bench.models.news_of_rounds("policy", 0, None).closed[0].settings == news.settings


def test_rounds_that_are_forgotten_are_refused_by_name(bench) -> None:
    bench.register(0.0, shard=FIRST, consistency=Asynchronous())
    for _ in range(1030):
        bench.push(1.0, kind=ContributionKind.DELTA)

    with pytest.raises(DataLossError, match=r"after_round: got 5, allowed: 6 to 1030 \(rounds remembered\)"):
        bench.models.news_of_rounds("policy", 5, None)
    assert len(names(bench, 6)) == 1024


def test_whole_models_and_later_shards_tell_no_rounds(bench) -> None:
    bench.register(0.0)
    schema = bench.model.schema
    bench.models.register("later", schema, ModelSettings(shard=Shard(1, 2, "host:1")), np.zeros(4, np.uint8), 100.0)

    for name in ("policy", "later"):
        with pytest.raises(FailedPreconditionError, match="allowed: the first shard"):
            bench.models.news_of_rounds(name, 0, None)


def test_closed_rounds_outlive_a_crash(open_folder) -> None:
    bench, folder = open_folder()
    bench.register(0.0, shard=FIRST)
    bench.push(1.0, request_id="a")
    folder.write(bench.models.begin_checkpoint())
    bench.push(2.0, request_id="b")

    bench, _ = open_folder()

    assert names(bench, 0) == [(1, ["a"]), (2, ["b"])]
