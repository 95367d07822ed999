"""Who is refused when a budget is used up, and who goes on.

Gaussians of noise 2 at delta 1e-5 cost 1.993 once and 2.943 twice (the analytic Gaussian).
"""

import pytest

from heronry.types.consistency import BufferedAsynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import BudgetExhaustedError, FailedPreconditionError, ResourceExhaustedError
from heronry.types.privacy import BandedFactorisation, CorrelatedNoise, PrivacyUnit

ONE, TWO = 1.9931, 2.9432


def horizons(releases: int, participations: int, separation: int) -> CorrelatedNoise:
    return CorrelatedNoise(2.0, releases, participations, separation, BandedFactorisation(2))


def test_a_client_that_has_used_up_its_budget_is_refused_and_the_others_go_on(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(epsilon_limit=2.5), consistency=BufferedAsynchronous(2))
    for client_id in "ab":
        bench.push_delta(client_id, 1.0)

    with pytest.raises(BudgetExhaustedError, match="client 'a' of model 'policy'") as refused:
        bench.push_delta("a", 1.0)
    for client_id in "cd":
        bench.push_delta(client_id, 1.0)

    figures = {name: float(refused.value.details[name]) for name in ("spent", "would_be", "limit", "delta")}
    assert figures == pytest.approx({"spent": ONE, "would_be": TWO, "limit": 2.5, "delta": 1e-5}, abs=1e-3)
    assert bench.version.number == 3
    spendings = bench.models.client_spendings("policy")
    assert [(s.client_id, s.num_participations, s.last_release) for s in spendings] == [
        ("a", 1, 1),
        ("b", 1, 1),
        ("c", 1, 2),
        ("d", 1, 2),
    ]
    assert [s.epsilon_spent for s in spendings] == pytest.approx([ONE] * 4, abs=1e-3)


def test_the_client_that_took_part_most_often_is_what_is_told(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(2))

    for client_id in "abac":
        bench.push_delta(client_id, 1.0)

    assert bench.status.epsilon_spent == pytest.approx(TWO, abs=1e-3)
    assert bench.status.num_releases == 2


def test_a_client_without_budget_is_not_drawn(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(epsilon_limit=2.5), consistency=SynchronousRounds(1, min_workers=2))
    bench.join("a", "b")

    drawn = []
    for _ in range(2):
        (client_id,) = bench.model.mode._cohort
        drawn.append(client_id)
        bench.push_delta(client_id, 1.0)

    assert sorted(drawn) == ["a", "b"]
    assert bench.version.number == 3


def test_an_episode_costs_the_same_whatever_its_client_has_sent_before(private_bench, claim) -> None:
    bench = private_bench()
    privacy = claim(unit=PrivacyUnit.EPISODE, epsilon_limit=2.5)
    bench.register(0.0, privacy=privacy, consistency=BufferedAsynchronous(2))

    for _ in range(6):
        bench.push_delta("a", 1.0)

    assert bench.version.number == 4
    assert bench.status.epsilon_spent == bench.status.epsilon_after == pytest.approx(ONE, abs=1e-3)


def test_a_client_contributes_at_most_so_often_in_a_horizon(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(noise=horizons(8, 2, 1)), consistency=BufferedAsynchronous(1))
    for _ in range(2):
        bench.push_delta("a", 1.0)

    with pytest.raises(ResourceExhaustedError, match="at most 2 contributions in 8 releases") as refused:
        bench.push_delta("a", 1.0)
    bench.push_delta("b", 1.0)

    assert refused.value.details["value"] == "a"
    assert bench.version.number == 4


def test_contributions_of_a_client_lie_so_far_apart(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(noise=horizons(8, 2, 3)), consistency=BufferedAsynchronous(1))
    bench.push_delta("a", 1.0)

    for other in "bc":
        with pytest.raises(FailedPreconditionError, match=r"from release 4 of the horizon on \(3 apart\)"):
            bench.push_delta("a", 1.0)
        bench.push_delta(other, 1.0)
    bench.push_delta("a", 1.0)

    assert bench.version.number == 5


def test_a_horizon_is_paid_for_before_its_first_release_and_once(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(noise=horizons(3, 1, 1)), consistency=BufferedAsynchronous(1))

    spent = [bench.status.epsilon_spent]
    for client_id in "abcdef":
        bench.push_delta(client_id, 1.0)
        spent.append(bench.status.epsilon_spent)

    assert spent == pytest.approx([0.0] + [ONE] * 3 + [TWO] * 3, abs=1e-3)
    assert [charge.count for charge in bench.ledger.charges("policy")] == [2]


def test_a_second_horizon_is_refused_when_the_budget_holds_one(private_bench, claim) -> None:
    bench = private_bench()
    privacy = claim(noise=horizons(2, 1, 1), epsilon_limit=2.5)
    bench.register(0.0, privacy=privacy, consistency=BufferedAsynchronous(1))
    for client_id in "ab":
        bench.push_delta(client_id, 1.0)

    with pytest.raises(BudgetExhaustedError) as refused:
        bench.push_delta("c", 1.0)

    assert float(refused.value.details["would_be"]) == pytest.approx(TWO, abs=1e-3)
    assert bench.version.number == 3


def test_a_contribution_that_is_only_checked_charges_nobody(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))

    bench.push_delta("a", 1.0, validate_only=True)

    assert (bench.version.number, bench.status.num_releases, bench.status.epsilon_spent) == (1, 0, 0.0)


def test_a_repeated_request_is_counted_and_charged_once(private_bench, claim) -> None:
    bench = private_bench()
    base = bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))

    for _ in range(3):
        header = bench.header(client_id="a", request_id="same", base_version=base, kind=ContributionKind.DELTA)
        bench.models.admit(header, 4, "a", 0.0)
        bench.push_delta("a", 1.0, request_id="same", base_version=base)

    assert [s.num_participations for s in bench.models.client_spendings("policy")] == [1]


def test_the_status_after_a_release_is_what_was_foretold(private_bench, claim) -> None:
    bench = private_bench()
    bench.register(0.0, privacy=claim(), consistency=BufferedAsynchronous(1))

    spent = []
    for _ in range(5):
        foretold = bench.status.epsilon_after
        bench.push_delta("a", 1.0)
        spent.append(bench.status.epsilon_spent)
        assert spent[-1] == foretold

    assert spent == sorted(spent)
