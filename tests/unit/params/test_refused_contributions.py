"""Contributions that a model does not take."""

import numpy as np
import pytest

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
    SchemaMismatchError,
    StaleContributionError,
    VersionNotFoundError,
)
from heronry.types.models import ContributionLimits
from heronry.types.optimizers import SgdOptimizer
from heronry.types.version import ParameterVersion

WEIGHTED = Aggregation(WeightedMean())


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


def test_without_privacy_settings_no_claim_is_made(bench) -> None:
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


@pytest.mark.parametrize("kind", list(ContributionKind))
def test_a_difference_above_the_norm_allowed_is_refused(bench, kind: ContributionKind) -> None:
    first = bench.register(10.0, 10.0, limits=ContributionLimits(max_norm=5.0))
    start = 10.0 if kind is ContributionKind.WEIGHTS else 0.0

    bench.push(start + 3.0, start + 4.0, kind=kind)

    with pytest.raises(InvalidContributionError, match=r"norm: got 5\.0.*at most 5"):
        bench.push(start + 3.0, start + 4.01, kind=kind, base_version=first)


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
