"""Secret cohorts: drawn as the accountant assumes, of all clients there are, and told nobody.

Chi-square tests fix their seed; with another one each would alarm falsely in 1e-6 of runs.
"""

import random
from collections import Counter
from itertools import combinations
from types import SimpleNamespace

import pytest
from scipy import stats

from heronry.params.core.consistency.mode import Surroundings
from heronry.params.core.consistency.sampled import SampledMode
from heronry.params.core.workers import Workers
from heronry.types.aggregation import Aggregation, Sum
from heronry.types.blocking import WouldBlock
from heronry.types.consistency import SampledRounds
from heronry.types.errors import (
    BudgetExhaustedError,
    FailedPreconditionError,
    FencedError,
    ResourceExhaustedError,
    StaleContributionError,
)
from heronry.types.privacy import IndependentNoise, NeighbourRelation, NoiseSampler

AMPLIFIED = IndependentNoise(2.0, NoiseSampler.ROUNDED_GAUSSIAN, is_amplified=True)
NUM_DRAWS = 8000
RARE = 1e-6


def cohorts(rounds: SampledRounds, num_live: int, num_draws: int = NUM_DRAWS, seed: int = 1) -> list[frozenset[str]]:
    """Return the cohorts of some rounds, of clients `a`, `b` and so on with a lease."""
    workers = Workers(10.0)
    for index in range(num_live):
        workers.register(chr(ord("a") + index), 1, 0.0)
    surroundings = Surroundings("policy", workers, random.Random(seed), lambda: 1, lambda client_id: True)
    mode = SampledMode(rounds, surroundings)
    opened = SimpleNamespace(num_contributions=0, contributors=set(), round_id=1)
    drawn = []
    for _ in range(num_draws):
        mode.begin(opened, 0.0)
        drawn.append(mode._cohort)
    return drawn


def p_of(counts: Counter, expected: dict[frozenset[str], float]) -> float:
    """Return the p value of how often each cohort was drawn; the chances of all there can be sum up to 1."""
    assert set(counts) <= set(expected)
    total = sum(counts.values())
    return stats.chisquare([counts[c] for c in expected], [p * total for p in expected.values()]).pvalue


def poisson_chances(clients: str, rate: float) -> dict[frozenset[str], float]:
    sizes = range(len(clients) + 1)
    subsets = [frozenset(subset) for size in sizes for subset in combinations(clients, size)]
    return {s: rate ** len(s) * (1 - rate) ** (len(clients) - len(s)) for s in subsets}


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_every_client_is_drawn_by_a_coin_of_its_own(rate: float) -> None:
    drawn = cohorts(SampledRounds(4, sampling_rate=rate), 4)

    # All 16 cohorts at once: marginals, pairs and the empty one among them.
    assert p_of(Counter(drawn), poisson_chances("abcd", rate)) > RARE
    assert frozenset() in drawn


def test_pairs_are_drawn_together_as_often_as_two_coins_say() -> None:
    drawn = cohorts(SampledRounds(10, sampling_rate=0.3), 10)

    for pair in combinations("abcdefghij", 2):
        together = sum(set(pair) <= cohort for cohort in drawn)
        # 45 pairs share the rate of false alarms.
        assert stats.binomtest(together, NUM_DRAWS, 0.09).pvalue > RARE / 45


def test_cohorts_of_a_fixed_size_would_not_pass_for_poisson_ones() -> None:
    drawn = cohorts(SampledRounds(4, cohort_size=2), 4)

    assert p_of(Counter(drawn), poisson_chances("abcd", 0.5)) < RARE


def test_clients_that_are_away_do_not_raise_the_chance_of_the_others() -> None:
    drawn = cohorts(SampledRounds(8, sampling_rate=0.3, min_clients=1), 3)

    assert p_of(Counter(drawn), poisson_chances("abc", 0.3)) > RARE


def test_cohorts_without_replacement_have_their_size_exactly_and_are_all_alike() -> None:
    drawn = cohorts(SampledRounds(5, cohort_size=2), 5)

    pairs = {frozenset(pair): 0.1 for pair in combinations("abcde", 2)}
    assert p_of(Counter(drawn), pairs) > RARE


def test_absent_clients_take_their_places_in_a_cohort_without_replacement() -> None:
    # 2 of 5 of whom 3 are there: hypergeometric.
    sizes = Counter(len(cohort) for cohort in cohorts(SampledRounds(5, cohort_size=2, min_clients=1), 3))

    observed = [sizes[size] for size in range(3)]
    expected = [stats.hypergeom(5, 3, 2).pmf(size) * NUM_DRAWS for size in range(3)]
    assert stats.chisquare(observed, expected).pvalue > RARE


def test_a_cohort_above_its_cap_is_thinned_out_at_random() -> None:
    drawn = cohorts(SampledRounds(4, sampling_rate=0.5, max_cohort=2), 4)

    # Below the cap as before; the 6 pairs share what 2, 3 and 4 coins would have made.
    chances = {c: p for c, p in poisson_chances("abcd", 0.5).items() if len(c) <= 2}
    pair = (6 + 4 + 1) / 16 / 6
    assert p_of(Counter(drawn), {c: pair if len(c) == 2 else p for c, p in chances.items()}) > RARE


def test_absent_clients_count_towards_the_cap() -> None:
    sizes = Counter(len(c) for c in cohorts(SampledRounds(4, sampling_rate=1.0, max_cohort=2, min_clients=1), 2))

    # All four are drawn and two stay, of whom two are there: hypergeometric.
    expected = [stats.hypergeom(4, 2, 2).pmf(size) * NUM_DRAWS for size in range(3)]
    assert stats.chisquare([sizes[size] for size in range(3)], expected).pvalue > RARE


def sampled(private_bench, claim, num_clients: int = 2, rate: float = 1.0, *, limit: float = 1000.0, **rounds: object):
    bench = private_bench(seed=1)
    rounds.setdefault("closes_early", True)
    consistency = SampledRounds(num_clients, deadline_s=5.0, sampling_rate=rate, **rounds)
    privacy = claim(population=num_clients, noise=AMPLIFIED, epsilon_limit=limit)
    bench.register(0.0, 0.0, privacy=privacy, aggregation=Aggregation(Sum()), consistency=consistency)
    return bench


def test_a_round_opens_when_clients_enough_are_there_and_ends_when_all_have_answered(private_bench, claim) -> None:
    bench = sampled(private_bench, claim)
    bench.join("a")
    with pytest.raises(FailedPreconditionError, match="open invitation to round 1"):
        bench.push_delta("a", 1.0, 0.0)
    bench.join("b")

    bench.push_delta("a", 1.0, 0.0)
    between = bench.version.number
    bench.push_delta("b", 1.0, 0.0)

    assert (between, bench.version.number) == (1, 2)


def test_who_is_drawn_and_does_not_answer_counts_as_zero(private_bench, claim) -> None:
    answered, silent = (sampled(private_bench, claim, 2) for _ in range(2))
    for bench in (answered, silent):
        bench.join("a", "b")
        bench.push_delta("a", 0.5, 0.0)
    answered.push_delta("b", 0.0, 0.0)

    silent.now_s = 5.0
    silent.close_due()

    # The noise of the test mode is the same: so are the sums.
    assert silent.version.number == answered.version.number == 2
    assert silent.values.tobytes() == answered.values.tobytes()


def test_nobody_volunteers(private_bench, claim) -> None:
    bench = sampled(private_bench, claim, 2, rate=1e-9)
    (token, _) = bench.join("a", "b")

    with pytest.raises(WouldBlock):
        bench.models.next_invitation("policy", "a", token, 0, 0.0)
    with pytest.raises(FailedPreconditionError, match="open invitation to round 1"):
        bench.push_delta("a", 1.0, 0.0)
    with pytest.raises(FencedError, match="register 'stranger'"):
        bench.push_delta("stranger", 1.0, 0.0)


def test_a_member_is_invited_and_told_the_time_left(private_bench, claim) -> None:
    bench = sampled(private_bench, claim)
    (token, _) = bench.join("a", "b")
    bench.now_s = 2.0

    invitation = bench.models.next_invitation("policy", "a", token, 0, bench.now_s)

    assert (invitation.round_id, invitation.remaining_s) == (1, 3.0)


def test_a_late_answer_is_refused(private_bench, claim) -> None:
    bench = sampled(private_bench, claim)
    bench.join("a", "b")
    base = bench.version
    bench.now_s = 5.0
    bench.close_due()

    with pytest.raises(StaleContributionError):
        bench.push_delta("a", 1.0, 0.0, round_id=1, base_version=base)
    with pytest.raises(StaleContributionError, match="late contributions count as zero"):
        bench.push_delta("a", 1.0, 0.0, round_id=1)


def test_a_round_that_is_not_open_yet_is_refused(private_bench, claim) -> None:
    bench = sampled(private_bench, claim)
    bench.join("a", "b")

    with pytest.raises(FailedPreconditionError, match="round_id: got 2"):
        bench.push_delta("a", 1.0, 0.0, round_id=2)


def test_a_client_beyond_the_population_gets_no_lease(private_bench, claim) -> None:
    bench = sampled(private_bench, claim)
    bench.join("a", "b")

    with pytest.raises(ResourceExhaustedError, match="2 clients hold a lease, allowed: at most 2") as refused:
        bench.join("c")
    assert refused.value.details["field"] == "privacy.population"
    bench.rejoin("a")
    bench.now_s = 20.0
    bench.join("c")


def test_nothing_that_is_published_tells_the_cohort(private_bench, claim) -> None:
    drawn = sampled(private_bench, claim, 2, rate=1.0)
    nobody = sampled(private_bench, claim, 2, rate=1e-9)
    for bench in (drawn, nobody):
        bench.join("a", "b")
    drawn.push_delta("a", 1.0, 0.0)

    infos = [bench.info() for bench in (drawn, nobody)]

    for info in infos:
        told = (info.cohort_size, info.num_pending, info.num_accepted, info.num_bytes_received)
        assert told == (0, 0, 0, 0)
        assert (info.round_remaining_s, info.staleness_histogram) == (None, ())
    assert drawn.models.worker_infos("policy", 0.0) == nobody.models.worker_infos("policy", 0.0)
    assert drawn.models.figures()["accepted"] == 0.0
    assert drawn.models.client_spendings("policy") == []


def test_a_budget_that_is_used_up_ends_drawing_and_invitations(private_bench, claim) -> None:
    # Rate 1 is the plain Gaussian: of noise 2 one costs 2.0 at 1e-5, two cost 2.97.
    bench = sampled(private_bench, claim, limit=2.5)
    (token, _) = bench.join("a", "b")
    bench.push_delta("a", 1.0, 0.0)
    bench.push_delta("b", 1.0, 0.0)

    assert bench.model.mode._cohort == frozenset()
    assert bench.close_due() is None
    with pytest.raises(BudgetExhaustedError) as refused:
        bench.models.next_invitation("policy", "a", token, 0, 0.0)
    with pytest.raises(BudgetExhaustedError):
        bench.push_delta("a", 1.0, 0.0)
    assert float(refused.value.details["spent"]) == pytest.approx(bench.status.epsilon_spent)
    assert float(refused.value.details["would_be"]) == pytest.approx(bench.status.epsilon_after)
    assert {"spent", "would_be", "limit", "delta"} <= set(refused.value.details)
    assert bench.status.epsilon_spent <= 2.5 < bench.status.epsilon_after
    assert bench.version.number == 2


def test_everybody_pays_for_an_empty_round(private_bench, claim) -> None:
    bench = sampled(private_bench, claim, 2, rate=0.5)
    before = bench.status.epsilon_after
    bench.join("a", "b")
    while bench.model.mode._cohort:
        bench.now_s += 5.0
        bench.rejoin("a", "b")
        bench.close_due()
    num_before = bench.num_releases

    bench.now_s += 5.0
    bench.rejoin("a", "b")
    bench.close_due()

    assert bench.num_releases == num_before + 1
    assert bench.status.epsilon_spent >= before


def test_by_default_when_a_version_appears_does_not_tell_who_was_drawn(private_bench, claim) -> None:
    # Everybody is drawn and answers at once, or nobody is drawn.
    answered, nobody = (sampled(private_bench, claim, rate=rate, closes_early=False) for rate in (1.0, 1e-9))
    for bench in (answered, nobody):
        bench.join("a", "b")
    answered.push_delta("a", 1.0, 0.0)
    answered.push_delta("b", 1.0, 0.0)

    versions = []
    for bench in (answered, nobody):
        for bench.now_s in (4.999, 5.0):
            bench.close_due()
            versions.append(bench.version.number)

    assert versions == [1, 2, 1, 2]


def test_a_release_after_a_checkpoint_in_its_round_is_restored(open_private, claim) -> None:
    bench = open_private()
    rounds = SampledRounds(2, deadline_s=5.0, sampling_rate=1.0)
    bench.register(0.0, privacy=claim(population=2, noise=AMPLIFIED), consistency=rounds)
    bench.join("a", "b")
    bench.push_delta("a", 1.0)
    bench.log.write(bench.models.begin_checkpoint())
    bench.push_delta("b", 1.0)
    bench.now_s = 5.0
    bench.close_due()
    values = bench.values.tobytes()

    bench = open_private()

    assert bench.problems == []
    assert (bench.version.number, bench.num_releases, bench.values.tobytes()) == (2, 1, values)
    assert bench.model.round.num_contributions == 0


@pytest.mark.parametrize("checkpoint", [True, False])
def test_a_restart_drops_the_open_round_so_that_nobody_has_two_chances_in_it(open_private, claim, checkpoint) -> None:
    settings = {
        "privacy": claim(population=2, noise=AMPLIFIED),
        "consistency": SampledRounds(2, deadline_s=5.0, sampling_rate=1.0),
        "aggregation": Aggregation(Sum()),
    }
    bench = open_private(seed=1)
    bench.register(0.0, 0.0, **settings)
    untouched = open_private("untouched", seed=1)
    untouched.register(0.0, 0.0, **settings)
    untouched.join("a", "b")
    untouched.push_delta("b", 0.5, 0.0)
    untouched.now_s = 5.0
    untouched.close_due()
    expected = untouched.values.tobytes()
    bench = open_private(seed=1)
    bench.join("a", "b")
    bench.push_delta("a", 1.0, 0.0, request_id="before")

    for _ in range(2):
        bench = open_private(checkpoint=checkpoint, seed=1)
        bench.join("a", "b")
        assert bench.model.round.num_contributions == 0
        bench.push_delta("b", 0.5, 0.0, request_id="again")
    bench.now_s = 5.0
    bench.close_due()

    # What `a` sent before the restart is in no release; a repeat of `b`'s counted each time anew, and once.
    assert (bench.version.number, bench.num_releases) == (2, 1)
    assert bench.values.tobytes() == expected
    assert open_private(checkpoint=checkpoint, seed=1).values.tobytes() == expected


def test_a_crash_does_not_let_a_client_be_in_a_release_by_two_draws(open_private, claim) -> None:
    settings = {
        "privacy": claim(population=1, noise=AMPLIFIED),
        "consistency": SampledRounds(1, deadline_s=5.0, sampling_rate=0.5),
    }
    open_private().register(0.0, **settings)
    is_in = []
    # Coins: drawn before the restart and not after it.
    for before, after in ((1, 2), (2, 1)):
        bench = open_private(chance=_seed_of(drawn=before == 1))
        bench.join("a")
        if bench.model.mode.cohort_size:
            bench.push_delta("a", 1.0)
        bench = open_private(chance=_seed_of(drawn=after == 1))
        bench.join("a")
        if bench.model.mode.cohort_size:
            bench.push_delta("a", 1.0)
        is_in.append(bench.model.round.num_contributions)
        bench.now_s = 5.0
        bench.close_due()

    # The last draw decides alone.
    assert is_in == [0, 1]


def _seed_of(*, drawn: bool) -> int:
    return next(seed for seed in range(100) if (random.Random(seed).random() < 0.5) == drawn)


def test_cohorts_of_a_fixed_size_are_released(private_bench, claim) -> None:
    bench = private_bench()
    privacy = claim(population=3, noise=AMPLIFIED, relation=NeighbourRelation.REPLACE_ONE)
    bench.register(0.0, privacy=privacy, consistency=SampledRounds(3, cohort_size=2, closes_early=True))
    bench.join("a", "b", "c")

    for client_id in sorted(bench.model.mode._cohort):
        bench.push_delta(client_id, 1.0)

    assert (bench.version.number, bench.num_releases) == (2, 1)
