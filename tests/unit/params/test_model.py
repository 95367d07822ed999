"""What a model takes, and what it makes of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.types.aggregation import Aggregation, WeightedMean
from heronry.types.consistency import Asynchronous, BufferedAsynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import (
    InvalidArgumentError,
    InvalidContributionError,
    ResourceExhaustedError,
)
from heronry.types.models import ContributionLimits
from heronry.types.optimizers import MixingOptimizer, SgdOptimizer

WEIGHTED = Aggregation(WeightedMean())


def test_weights_at_the_newest_version_are_published_as_pushed(bench) -> None:
    bench.register(1.0, 2.0)

    answer = bench.push(1e-30, -0.0)

    assert bench.values.tobytes() == np.array([1e-30, -0.0], np.float32).tobytes()
    assert (answer.counted, answer.closed_round, answer.version.number) == (True, True, 2)


def test_a_gradient_is_descended_and_a_delta_added(bench) -> None:
    bench.register(1.0, 2.0, optimizer=SgdOptimizer(0.5))

    bench.push(1.0, -1.0, kind=ContributionKind.GRADIENT)
    np.testing.assert_array_equal(bench.values, [0.5, 2.5])
    bench.push(1.0, -1.0, kind=ContributionKind.DELTA)

    np.testing.assert_array_equal(bench.values, [1.0, 2.0])


def test_stale_weights_move_the_newest_values_by_their_difference_to_the_base(bench) -> None:
    base = bench.register(1.0, 2.0)
    bench.push(11.0, 12.0)

    answer = bench.push(1.5, 2.25, base_version=base)

    np.testing.assert_array_equal(bench.values, [11.5, 12.25])
    assert answer.staleness == 1


def test_a_round_closes_at_its_number_of_contributions(bench) -> None:
    bench.register(0.0, consistency=BufferedAsynchronous(3), aggregation=WEIGHTED)

    answers = [bench.push(value, weight=weight) for value, weight in [(1.0, 1.0), (2.0, 1.0), (6.0, 2.0)]]

    assert [a.closed_round for a in answers] == [False, False, True]
    assert [a.round_id for a in answers] == [1, 1, 1]
    assert bench.values[0] == (1 + 2 + 2 * 6) / 4
    assert bench.info().round_id == 2


def test_versions_are_chained_by_their_hashes(bench) -> None:
    first = bench.register(1.0)

    second = bench.push(2.0).version

    assert (second.epoch, second.number, second.parent_hash) == (1, 2, first.content_hash)
    assert first.parent_hash == b""


def test_a_request_is_counted_once(bench) -> None:
    base = bench.register(0.0, consistency=BufferedAsynchronous(2))
    first = bench.push(4.0, request_id="same")

    again = bench.push(4.0, request_id="same")
    bench.push(8.0, base_version=base)

    assert again == replace(first, counted=False)
    assert bench.values[0] == 6.0


@settings(max_examples=30)
@given(requests=st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_duplicates_never_count_and_numbers_strictly_rise(make_bench, requests: list[int]) -> None:
    bench = make_bench()
    bench.register(0.0)
    numbers = [1]

    for request in requests:
        answer = bench.push(1.0, kind=ContributionKind.DELTA, request_id=str(request))
        if answer.counted:
            numbers.append(answer.version.number)

    assert numbers == list(range(1, len(set(requests)) + 2))
    assert bench.values[0] == len(set(requests))


def test_a_request_id_of_another_client_is_another_request(bench) -> None:
    bench.register(0.0)
    bench.push(1.0, kind=ContributionKind.DELTA, request_id="1", client_id="a")

    assert bench.push(1.0, kind=ContributionKind.DELTA, request_id="1", client_id="b").counted


def test_what_the_log_does_not_take_never_happened(bench) -> None:
    bench.register(0.0)
    bench.log.error = ResourceExhaustedError("the journal cannot grow: no space is left")

    with pytest.raises(ResourceExhaustedError):
        bench.push(1.0, request_id="full")
    bench.log.error = None

    assert bench.version.number == 1
    assert bench.push(1.0, request_id="full").counted


def test_staleness_and_participation_are_seen_by_worker(bench) -> None:
    base = bench.register(0.0)
    bench.push(1.0, client_id="b")
    bench.push(2.0, client_id="a", base_version=base)
    bench.models.count_refused("policy", "a", "FencedError")

    infos = bench.model.workers.infos(0.0)

    seen = [(i.client_id, i.num_accepted, i.num_refused, i.last_staleness) for i in infos]
    assert seen == [("a", 1, 1, 1), ("b", 1, 0, 0)]


def test_figures_tell_refusals_by_name_bytes_and_staleness(bench) -> None:
    base = bench.register(0.0)
    for _ in range(5):
        bench.push(1.0, kind=ContributionKind.DELTA, base_version=base)
    for name in ("StaleContributionError", "FencedError", "FencedError"):
        bench.models.count_refused("policy", "worker", name)
    bench.models.count_sent("policy", 40)

    info = bench.info()

    assert info.refusals == {"FencedError": 2, "StaleContributionError": 1}
    assert (info.num_accepted, info.num_refused) == (5, 3)
    assert (info.num_bytes_received, info.num_bytes_sent) == (20, 40)
    assert info.staleness_histogram == (1, 1, 2, 1)


def test_the_norm_of_weights_at_the_newest_version_is_that_of_their_difference(bench) -> None:
    bench.register(1000.0, 0.0, limits=ContributionLimits(max_norm=1.0))

    bench.push(1000.5, 0.5)

    with pytest.raises(InvalidContributionError, match=r"limits\.max_norm"):
        bench.push(1002.0, 0.5)


def test_stale_contributions_count_less(bench) -> None:
    base = bench.register(0.0, consistency=Asynchronous(staleness_exponent=0.5))
    for _ in range(3):
        bench.push(0.0, kind=ContributionKind.DELTA)

    bench.push(8.0, kind=ContributionKind.DELTA, base_version=base)

    assert bench.values[0] == 8.0 * (1 + 3) ** -0.5


def test_mixing_takes_weights_towards_what_was_pushed_whatever_their_base(bench) -> None:
    base = bench.register(0.0, optimizer=MixingOptimizer(0.5))
    bench.push(8.0)

    bench.push(16.0, base_version=base)

    assert bench.values[0] == 10.0
    with pytest.raises(InvalidArgumentError, match="kind: got 'delta'"):
        bench.push(1.0, kind=ContributionKind.DELTA)


def test_validating_checks_everything_and_counts_nothing(bench) -> None:
    bench.register(0.0, optimizer=SgdOptimizer(1e30))

    answer = bench.push(1.0, kind=ContributionKind.DELTA, request_id="dry", validate_only=True)

    assert (answer.counted, answer.closed_round, answer.version.number) == (False, False, 1)
    assert (bench.info().num_accepted, bench.info().num_pending, bench.log.records[1:]) == (0, 0, [])
    with pytest.raises(InvalidContributionError, match="the update would make it inf"):
        bench.push(1e20, kind=ContributionKind.DELTA, validate_only=True)
    assert bench.push(1.0, kind=ContributionKind.DELTA, request_id="dry").counted


def test_a_busy_client_does_not_make_the_requests_of_others_forgotten(bench) -> None:
    bench.register(0.0)
    bench.push(1.0, kind=ContributionKind.DELTA, client_id="quiet", request_id="one")
    for _ in range(100):
        bench.push(1.0, kind=ContributionKind.DELTA, client_id="busy")

    assert not bench.push(1.0, kind=ContributionKind.DELTA, client_id="quiet", request_id="one").counted
    assert bench.values[0] == 101.0
