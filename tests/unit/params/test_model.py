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
    FailedPreconditionError,
    FencedError,
    ForeignEpochError,
    InvalidArgumentError,
    InvalidContributionError,
    ModelNotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    SchemaMismatchError,
    StaleContributionError,
    UnimplementedError,
    VersionNotFoundError,
)
from heronry.types.models import ContributionLimits, PrivacySettings
from heronry.types.optimizers import MixingOptimizer, SgdOptimizer
from heronry.types.version import ParameterVersion

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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", list(ContributionKind))
def test_a_component_that_is_not_finite_is_refused_by_tensor_and_index(bench, value: float, kind) -> None:
    bench.register(1.0, 2.0, 3.0, consistency=BufferedAsynchronous(2))
    bench.push(1.0, 1.0, 1.0, kind=kind)

    with pytest.raises(InvalidContributionError, match=r"weight\[1\]: got -?(nan|inf)"):
        bench.push(0.0, value, 0.0, kind=kind)

    assert bench.info().num_pending == 1
    assert bench.info().num_accepted == 1


def test_components_that_would_overflow_a_round_are_refused(bench) -> None:
    bench.register(0.0, consistency=BufferedAsynchronous(2), aggregation=WEIGHTED)
    bench.push(1.0, weight=1e-9)

    with pytest.raises(InvalidContributionError, match="at most"):
        bench.push(1e38, weight=1e9)


def test_an_update_that_is_not_finite_is_refused_and_the_round_stays(bench) -> None:
    bench.register(0.0, optimizer=SgdOptimizer(1e30))

    with pytest.raises(InvalidContributionError, match=r"weight\[0\]: the update would make it inf"):
        bench.push(1e20, kind=ContributionKind.DELTA)

    assert bench.info().num_pending == 0
    assert bench.push(1.0, kind=ContributionKind.DELTA).counted


def test_a_stale_base_is_refused_with_staleness_and_bound(bench) -> None:
    base = bench.register(0.0, consistency=Asynchronous(max_staleness=1))
    bench.push(1.0)
    bench.push(2.0)

    with pytest.raises(StaleContributionError, match=r"1\.1 lies 2 versions behind 1\.3, allowed: at most 1") as error:
        bench.push(3.0, base_version=base)

    assert error.value.details["staleness"] == "2"
    assert error.value.details["max_staleness"] == "1"


def test_a_base_of_another_epoch_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(ForeignEpochError):
        bench.push(1.0, base_version=ParameterVersion(7, 1))


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_base_that_was_never_published_is_refused(bench, number: int) -> None:
    bench.register(0.0)

    with pytest.raises(VersionNotFoundError):
        bench.push(1.0, base_version=ParameterVersion(1, number))


def test_a_base_with_another_content_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(VersionNotFoundError):
        bench.push(1.0, base_version=ParameterVersion(1, 1, b"x" * 32))


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf"), 1e10])
def test_absurd_weights_are_refused(bench, weight: float) -> None:
    bench.register(0.0, aggregation=WEIGHTED)

    with pytest.raises(InvalidArgumentError, match="weight"):
        bench.push(1.0, weight=weight)


def test_a_client_id_other_than_the_caller_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(PermissionDeniedError, match=r"'mallory'.*'worker'"):
        bench.models.admit(bench.header(client_id="mallory"), 4, "worker", 0.0)


def test_a_wrong_length_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(SchemaMismatchError, match="num_bytes: got 8"):
        bench.push(1.0, 2.0)


def test_an_unknown_model_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(ModelNotFoundError, match=r"no model 'polisy' .have: 'policy'"):
        bench.push(1.0, model="polisy")


def test_a_round_that_is_not_open_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(FailedPreconditionError, match="round_id: got 2, allowed: 1"):
        bench.push(1.0, round_id=2)


def test_an_empty_request_id_is_refused(bench) -> None:
    bench.register(0.0)

    with pytest.raises(InvalidArgumentError, match="request_id"):
        bench.push(1.0, request_id="")


def test_privacy_settings_are_refused_and_no_claim_is_made(bench) -> None:
    with pytest.raises(UnimplementedError, match="privacy"):
        bench.register(0.0, privacy=PrivacySettings("client", 1.0, 1.0, 1e-5, 8.0))
    bench.register(0.0)

    status = bench.models.privacy_status("policy")

    assert not status.has_claim
    assert "No privacy claim" in status.statement


def test_a_lease_that_ran_out_is_refused(bench) -> None:
    bench.register(0.0)
    bench.model.workers.register("worker", 1, now_s=0.0)
    bench.now_s = 11.0

    with pytest.raises(FencedError, match=r"ran out 1\.0 s ago"):
        bench.push(1.0)


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


@pytest.mark.parametrize("kind", list(ContributionKind))
def test_a_difference_above_the_norm_allowed_is_refused(bench, kind: ContributionKind) -> None:
    first = bench.register(10.0, 10.0, limits=ContributionLimits(max_norm=5.0))
    start = 10.0 if kind is ContributionKind.WEIGHTS else 0.0

    bench.push(start + 3.0, start + 4.0, kind=kind)

    with pytest.raises(InvalidContributionError, match=r"norm: got 5\.0.*at most 5"):
        bench.push(start + 3.0, start + 4.01, kind=kind, base_version=first)


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


def test_an_older_token_and_a_lease_that_is_wanting_are_refused(bench) -> None:
    bench.register(0.0, limits=ContributionLimits(requires_lease=True))
    with pytest.raises(FencedError, match="register 'worker' with this model first"):
        bench.push(1.0)
    old = bench.models.register_worker("policy", "worker", 1, 0.0).value.fencing_token
    new = bench.models.register_worker("policy", "worker", 2, 0.0).value.fencing_token

    with pytest.raises(FencedError, match="fencing_token"):
        bench.push(1.0, fencing_token=old)

    assert bench.push(1.0, fencing_token=new).counted
    assert bench.push(2.0).counted
