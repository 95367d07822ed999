"""Contributions that a claim of privacy does not allow: refused by field and reason."""

import pytest

from heronry.types.consistency import (
    BufferedAsynchronous,
)
from heronry.types.contribution import ContributionKind, ParameterCodec
from heronry.types.errors import (
    BudgetExhaustedError,
    FailedPreconditionError,
    HeronryError,
    InvalidArgumentError,
)
from heronry.types.privacy import (
    PrivacyUnit,
)

BUFFERED = {"consistency": BufferedAsynchronous(5)}


REFUSED_CONTRIBUTIONS: dict[str, tuple[dict[str, object], type[HeronryError], str]] = {
    "a weight": ({"weight": 2.0}, InvalidArgumentError, "weight: got 2"),
    "a negative weight": ({"weight": -1.0}, InvalidArgumentError, "weight: got -1"),
}


@pytest.mark.parametrize("case", REFUSED_CONTRIBUTIONS.values(), ids=REFUSED_CONTRIBUTIONS)
def test_a_client_cannot_scale_its_own_share(private_bench, claim, case) -> None:
    fields, error, message = case
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)

    with pytest.raises(error, match=message):
        bench.push_delta("a", 1.0, **fields)


def test_a_client_counts_once_in_a_release(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), **BUFFERED)
    bench.push_delta("a", 1.0)

    with pytest.raises(FailedPreconditionError, match="one contribution a client and release: round 1"):
        bench.push_delta("a", 1.0)
    bench.push_delta("b", 1.0)


def test_a_contribution_of_several_episodes_is_refused(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(unit=PrivacyUnit.EPISODE), **BUFFERED)

    with pytest.raises(InvalidArgumentError, match="the unit of privacy is one episode") as refused:
        bench.push_delta("a", 1.0, sample_count=2)

    assert refused.value.details["field"] == "sample_count"
    # Two contributions of a client are two episodes.
    bench.push_delta("a", 1.0, sample_count=1)
    bench.push_delta("a", 1.0)


def test_error_feedback_is_refused_where_the_unit_is_an_episode(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(unit=PrivacyUnit.EPISODE), **BUFFERED)

    with pytest.raises(InvalidArgumentError, match="carries earlier episodes on") as refused:
        bench.models.admit(bench.header(codec=ParameterCodec.TOP_K, kind=ContributionKind.DELTA), 8, "worker", 0.0)

    assert refused.value.details["field"] == "codec"


def test_an_episode_that_costs_more_than_the_limit_is_refused(private_bench, claim) -> None:
    # One Gaussian of 2 at delta 1e-5 costs 2.0.
    bench = private_bench()
    bench.register(0.0, privacy=claim(unit=PrivacyUnit.EPISODE, epsilon_limit=1.5), **BUFFERED)

    with pytest.raises(BudgetExhaustedError, match="an episode"):
        bench.push_delta("a", 1.0)
