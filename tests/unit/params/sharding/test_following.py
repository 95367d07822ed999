"""Shards that follow the rounds of the first one."""

from collections.abc import Callable

import numpy as np
import pytest

from heronry.types.aggregation import Aggregation, FederatedMean, Median, Sum, TrimmedMean, WeightedMean
from heronry.types.blocking import WouldBlock
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    DataLossError,
    FailedPreconditionError,
    InvalidArgumentError,
    InvalidContributionError,
    ModelNotFoundError,
    ResourceExhaustedError,
    StaleContributionError,
    VersionNotFoundError,
)
from heronry.types.optimizers import AdagradOptimizer, AdamOptimizer, MixingOptimizer, SgdOptimizer, YogiOptimizer
from heronry.types.tensors import MergeRule, TensorRole

ROLES = {"n": (TensorRole.STATISTIC, MergeRule.MERGE_COUNTS), "m": (TensorRole.BUFFER, MergeRule.MEAN)}


def tensors(rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "a": rng.normal(size=(3, 5)).astype(np.float32),
        "n": rng.integers(0, 9, size=4),
        "b": rng.normal(size=7).astype(np.float16),
        "m": rng.normal(size=2).astype(np.float32),
    }


def weights(value: float, num: int = 6) -> dict[str, np.ndarray]:
    return {"w": np.full(num, value, np.float32)}


@pytest.fixture
def pair(open_shards):
    bench = open_shards(2)
    bench.register(weights(0.0), consistency=Asynchronous(max_staleness=2))
    return bench


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"optimizer": SgdOptimizer(0.3, 0.9, nesterov=True)}, {}),
        ({"optimizer": AdamOptimizer(0.1), "consistency": BufferedAsynchronous(3, 8, 0.5)}, {}),
        ({"optimizer": YogiOptimizer(0.1), "consistency": BufferedAsynchronous(2)}, {}),
        ({"optimizer": AdagradOptimizer(0.1), "aggregation": Aggregation(Sum())}, {}),
        ({"aggregation": Aggregation(WeightedMean()), "consistency": BufferedAsynchronous(3)}, {"weight": 1.7}),
        ({"aggregation": Aggregation(FederatedMean(9)), "consistency": BufferedAsynchronous(3)}, {"sample_count": 4}),
        ({"aggregation": Aggregation(Median()), "consistency": BufferedAsynchronous(4)}, {}),
        ({"aggregation": Aggregation(TrimmedMean(1)), "consistency": BufferedAsynchronous(4)}, {}),
        ({"aggregation": Aggregation(grid_step=2.0**-16), "consistency": BufferedAsynchronous(2)}, {}),
        ({"consistency": BufferedAsynchronous(2)}, {"kind": ContributionKind.WEIGHTS}),
        ({"optimizer": MixingOptimizer(0.25)}, {"kind": ContributionKind.WEIGHTS}),
    ],
)
def test_a_model_in_shards_is_the_whole_model_bit_for_bit(
    open_shards: Callable, settings: dict[str, object], fields: dict[str, object]
) -> None:
    rng = np.random.default_rng(5)
    first, pushed = tensors(rng), [tensors(rng) for _ in range(12)]
    benches = [open_shards(1), open_shards(3)]
    for bench in benches:
        bench.register(first, ROLES, **settings)

    for number, values in enumerate(pushed):
        for bench in benches:
            base = max(1, bench.first.history.newest.version.number - number % 3)
            bench.push(values, f"r{number}", f"worker-{number % 4}", base, **fields)
            if number % 2:
                # The later shards are behind at times.
                bench.follow()

    whole, shards = benches
    assert whole.numbers[0] > 3
    assert shards.numbers == whole.numbers * 3
    assert shards.flat == whole.flat


def test_rounds_that_close_at_their_deadline_are_followed(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(0.0), consistency=SynchronousRounds(cohort_size=2, quorum=1, deadline_s=5.0))
    for client_id in ("anna", "ben"):
        bench.shards[0].register_worker("policy", client_id, 1, 0.0)
    bench.push(weights(3.0), "r", "anna", kind=ContributionKind.DELTA)

    bench.shards[0].close_due(6.0, 100.0)
    bench.follow()

    assert bench.numbers == [2, 2]
    assert bench.tensors["w"].tolist() == [3.0] * 6


def test_a_part_waits_for_the_round_that_counts_it_and_closes_none(pair) -> None:
    answer = pair.push_part(1, weights(1.0), "r", kind=ContributionKind.WEIGHTS)

    assert (answer.counted, answer.closed_round, answer.version.number) == (True, False, 1)
    assert pair.numbers == [1, 1]
    pair.push_part(0, weights(1.0), "r", kind=ContributionKind.WEIGHTS)
    pair.follow()
    assert pair.numbers == [2, 2]
    assert pair.tensors["w"].tolist() == [1.0] * 6


def test_a_part_is_taken_once_however_often_it_comes(pair) -> None:
    answers = [pair.push_part(1, weights(1.0), "r") for _ in range(2)]
    pair.push_part(0, weights(1.0), "r")
    pair.follow()

    answers.append(pair.push_part(1, weights(1.0), "r"))

    assert [answer.counted for answer in answers] == [True, False, False]
    assert len(pair.second.waiting) == 0


def test_a_round_waits_for_the_parts_it_has_counted(pair) -> None:
    pair.patience_s = 10.0
    pair.push_part(0, weights(1.0), "r", kind=ContributionKind.WEIGHTS)
    (closed,) = pair.shards[0].news_of_rounds("policy", 0, None).closed

    with pytest.raises(WouldBlock, match="parts of round 1") as blocked:
        pair.shards[1].follow(pair.second, closed, 10.0, 0.0)

    assert blocked.value.earliest_s == 10.0
    pair.push_part(1, weights(1.0), "r", base_number=1, kind=ContributionKind.WEIGHTS)
    pair.follow()
    assert pair.tensors["w"].tolist() == [1.0] * 6


def test_the_arrival_of_a_part_wakes_the_round_that_waits_for_it(pair) -> None:
    header_round = pair.push_part(0, weights(1.0), "r")
    (closed,) = pair.shards[0].news_of_rounds("policy", 0, None).closed
    with pytest.raises(WouldBlock) as blocked:
        pair.shards[1].follow(pair.second, closed, 10.0, 0.0)

    pair.push_part(1, weights(1.0), "r", base_number=1)

    assert header_round.closed_round
    assert blocked.value.condition not in pair.second.awaited.all()


def test_a_part_that_never_comes_counts_as_zero_and_is_told(open_shards) -> None:
    bench = open_shards(2)
    bench.register(weights(2.0), consistency=BufferedAsynchronous(2))
    bench.push_part(0, weights(8.0), "lost", kind=ContributionKind.DELTA)
    bench.push(weights(4.0), "whole", "another", kind=ContributionKind.DELTA)

    bench.follow_one(1, now_s=1.0)

    # The first half: 2 + (8 + 4) / 2; the second: 2 + (0 + 4) / 2.
    assert bench.tensors["w"].tolist() == [8.0] * 3 + [4.0] * 3
    assert bench.numbers == [2, 2]
    assert bench.shards[1].info("policy", 0.0).refusals == {"MissingPart": 1}


def test_a_missing_part_leaves_statistics_and_buffers_as_they_are(open_shards) -> None:
    bench = open_shards(2)
    first = {"w": np.zeros(9, np.float32), "n": np.array([5, 6]), "m": np.array([3.0], np.float32)}
    bench.register(first, ROLES)
    bench.push_part(0, {**first, "n": np.array([1, 1]), "m": np.array([9.0], np.float32)}, "r")

    bench.follow()

    assert (bench.tensors["n"].tolist(), bench.tensors["m"].tolist()) == ([5, 6], [3.0])


def test_parts_that_no_round_can_name_any_more_are_dropped(pair) -> None:
    pair.push_part(1, weights(1.0), "orphan")

    for number in range(4):
        pair.push(weights(1.0), f"r{number}")
        pair.follow()

    assert len(pair.second.waiting) == 0


def test_as_many_parts_as_the_bound_says_may_wait(pair) -> None:
    for number in range(256):
        pair.push_part(1, weights(1.0), f"r{number}")

    with pytest.raises(ResourceExhaustedError, match="waiting_parts: got 256"):
        pair.push_part(1, weights(1.0), "r256")


def test_a_part_is_checked_as_far_as_a_shard_can(pair) -> None:
    for number in range(4):
        pair.push(weights(1.0), f"r{number}")
    pair.follow()

    with pytest.raises(InvalidContributionError, match=r"w\(6\)\[3:6\]"):
        pair.push_part(1, weights(np.nan), "nan")
    with pytest.raises(StaleContributionError, match="4 versions behind"):
        pair.push_part(1, weights(1.0), "old", base_number=1)
    with pytest.raises(VersionNotFoundError):
        pair.push_part(1, weights(1.0), "far", base_number=5000)
    with pytest.raises(InvalidArgumentError, match="weight"):
        pair.push_part(1, weights(1.0), "heavy", weight=2.0)
    assert len(pair.second.waiting) == 0


def test_a_part_that_is_only_validated_does_not_wait(pair) -> None:
    answer = pair.push_part(1, weights(1.0), "r", validate_only=True)

    assert not answer.counted
    assert len(pair.second.waiting) == 0


def test_a_part_computed_at_a_version_that_the_shard_does_not_have_yet_is_taken(pair) -> None:
    pair.push(weights(1.0), "r0", kind=ContributionKind.WEIGHTS)
    pair.push(weights(3.0), "r1", kind=ContributionKind.WEIGHTS, base_number=2)

    pair.follow()

    assert pair.numbers == [3, 3]
    assert pair.tensors["w"].tolist() == [3.0] * 6


def test_an_update_that_would_not_be_finite_at_one_shard_leaves_its_values(open_shards) -> None:
    bench = open_shards(2)
    bench.register({"w": np.array([0.0, 3e38], np.float32)})
    large = {"w": np.array([1.0, 3e38], np.float32)}
    bench.push(large, "r", kind=ContributionKind.DELTA)

    bench.follow()

    assert bench.numbers == [2, 2]
    assert bench.tensors["w"].tolist() == [1.0, float(np.float32(3e38))]


def test_a_part_whose_square_overflows_leaves_values_and_moments_finite(open_shards) -> None:
    bench = open_shards(2)
    bench.register({"w": np.zeros(2, np.float32)}, optimizer=AdamOptimizer(0.1))
    bench.push({"w": np.array([1.0, 1e20], np.float32)}, "r", kind=ContributionKind.GRADIENT)

    bench.follow()

    assert bench.numbers == [2, 2]
    assert bench.tensors["w"][1] == 0.0
    assert all(np.isfinite(slot).all() for slot in bench.second.optimizer_state.slots.values())


def test_rounds_that_are_missing_are_told_with_the_way_to_recover(pair) -> None:
    for number in range(3):
        pair.push(weights(1.0), f"r{number}")
    closed = pair.shards[0].news_of_rounds("policy", 0, None).closed

    with pytest.raises(DataLossError, match=r"sent round 2 .* allowed: round 1 .* to recover, delete the model"):
        pair.shards[1].follow(pair.second, closed[1], 0.0, 0.0)


def test_a_first_shard_that_has_gone_back_is_told(pair, open_shards, tmp_path) -> None:
    pair.push(weights(1.0), "r0", kind=ContributionKind.WEIGHTS)
    pair.follow()
    with pytest.raises(DataLossError, match="after_round: got 5, allowed: 0 to 1"):
        pair.shards[0].news_of_rounds("policy", 5, None)

    other = open_shards(3)
    other.register(weights(0.0))
    for number in range(2):
        other.push(weights(7.0 + number), f"r{number}", kind=ContributionKind.WEIGHTS)
    foreign = other.shards[0].news_of_rounds("policy", 1, None).closed[0]

    with pytest.raises(DataLossError, match="version 2 of the first shard is not the one that this shard followed"):
        pair.shards[1].follow(pair.second, foreign, 0.0, 0.0)


def test_a_shard_too_far_behind_is_refused_by_name(pair) -> None:
    for number in range(1030):
        pair.push_part(0, weights(1e-6), f"r{number}")

    with pytest.raises(DataLossError, match=r"after_round: got 0, allowed: 6 to 1030"):
        pair.shards[0].news_of_rounds("policy", 0, None)


def test_rounds_are_told_by_the_first_shard_alone(pair) -> None:
    with pytest.raises(FailedPreconditionError, match="allowed: the first shard"):
        pair.shards[1].news_of_rounds("policy", 0, None)


def test_shards_are_not_rolled_back_or_changed_one_by_one(pair) -> None:
    for index in (0, 1):
        with pytest.raises(FailedPreconditionError, match=f"rollback: model 'policy' is shard {index} of 2"):
            pair.shards[index].rollback("policy", 1, None, "r", 0.0)
    with pytest.raises(FailedPreconditionError, match="update: model 'policy' is shard 1 of 2"):
        pair.shards[1].update("policy", None)


def test_a_later_shard_holds_values_until_the_first_rolls_back_to_them(pair) -> None:
    for number in range(40):
        pair.push(weights(float(number)), f"r{number}", kind=ContributionKind.WEIGHTS)
        pair.follow()
        if number == 4:
            pair.shards[1].rollback("policy", 3, None, "back", 0.0, asks_all_shards=True)
            pair.shards[1].rollback("policy", 3, None, "back", 0.0, asks_all_shards=True)
            assert len(pair.second.waiting) == 1
    # Version 3 is not kept by then: the first shard goes back to what it has, the second to what it holds.
    flat = pair.first.history.newest.flat

    pair.shards[0].rollback("policy", pair.numbers[0], None, "back", 0.0, asks_all_shards=True)
    pair.follow()

    assert pair.numbers == [42, 42]
    assert pair.first.history.newest.flat.tobytes() == flat.tobytes()
    assert np.unique(pair.second.history.newest.flat.view(np.float32)).tolist() == [1.0]
    assert (len(pair.second.waiting), pair.second.oldest_base) == (0, 42)


def test_a_rollback_that_a_shard_was_not_asked_for_is_told(pair) -> None:
    pair.push(weights(1.0), "r", kind=ContributionKind.WEIGHTS)
    pair.follow()
    pair.shards[0].rollback("policy", 1, None, "back", 0.0, asks_all_shards=True)

    with pytest.raises(DataLossError, match="was not asked to hold what rollback 'back' goes back to"):
        pair.follow()


@pytest.mark.parametrize("has_checkpoint", [False, True])
@pytest.mark.parametrize("when", ["held", "rolled back"])
def test_a_shard_that_restarts_follows_a_rollback(pair, when: str, has_checkpoint: bool) -> None:
    pair.push(weights(1.0), "r", kind=ContributionKind.WEIGHTS)
    pair.follow()
    pair.shards[1].rollback("policy", 1, None, "back", 0.0, asks_all_shards=True)
    if when == "held":
        assert pair.restart(1, checkpoint=has_checkpoint) == []
    pair.shards[0].rollback("policy", 1, None, "back", 0.0, asks_all_shards=True)
    pair.follow()

    for index in (0, 1):
        assert pair.restart(index, checkpoint=has_checkpoint) == []

    assert pair.numbers == [3, 3]
    assert np.unique(np.frombuffer(pair.flat, np.float32)).tolist() == [0.0]
    assert len(pair.second.waiting) == 0
    assert pair.shards[1].rollback("policy", 1, None, "back", 0.0, asks_all_shards=True).value.number == 3


def test_whoever_starts_followers_is_told_of_each_shard_once(pair) -> None:
    later = pair.shards[1]

    assert later.new_followers() == [pair.second]
    with pytest.raises(WouldBlock) as blocked:
        later.new_followers()
    with pytest.raises(WouldBlock):
        pair.shards[0].new_followers()
    assert blocked.value.condition == ("follower",)


def test_a_shard_that_was_deleted_and_made_again_is_another_one(pair) -> None:
    former, later = pair.second, pair.shards[1]
    later.new_followers()
    later.delete("policy")
    pair.register(weights(0.0))
    pair.push(weights(1.0), "r")
    (closed,) = pair.shards[0].news_of_rounds("policy", 0, None).closed

    assert later.new_followers() == [pair.second]
    with pytest.raises(ModelNotFoundError):
        later.follow(former, closed, 0.0, 0.0)
