"""Rounds with a cohort: who is drawn, who is counted, when a round closes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.blocking import WouldBlock
from heronry.types.consistency import LatePolicy, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError, FencedError, ResourceExhaustedError, StaleContributionError

DELTA = ContributionKind.DELTA


def is_invited(bench, client_id: str, token: int, after: int = 0) -> bool:
    try:
        bench.models.next_invitation("policy", client_id, token, after, bench.now_s)
    except WouldBlock:
        return False
    return True


def test_a_cohort_is_drawn_once_there_are_workers_enough(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(cohort_size=2))
    (token,) = bench.join("a")
    with pytest.raises(WouldBlock) as waiting:
        bench.models.next_invitation("policy", "a", token, 0, 0.0)

    bench.join("b")

    invitation = bench.models.next_invitation("policy", "a", token, 0, 0.0)
    assert waiting.value.condition in bench.woken
    assert (invitation.round_id, invitation.base_version, invitation.remaining_s) == (1, bench.version, 60.0)
    assert bench.info().cohort_size == 2


def test_a_round_closes_when_the_cohort_has_contributed_and_the_next_is_drawn(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(cohort_size=2))
    tokens = dict(zip("ab", bench.join("a", "b"), strict=True))

    answers = [bench.push(value, client_id=c, round_id=1) for c, value in (("a", 2.0), ("b", 4.0))]

    assert [a.closed_round for a in answers] == [False, True]
    assert bench.values[0] == 3.0
    assert all(is_invited(bench, c, token, after=1) for c, token in tokens.items())
    assert {("invitation", "policy", "a"), ("invitation", "policy", "b")} <= bench.woken


@given(num_workers=st.integers(3, 12), cohort_size=st.integers(1, 3), num_extra=st.integers(0, 4))
def test_cohorts_have_the_size_asked_for_and_rounds_never_count_more_than_close_them(
    make_bench, num_workers: int, cohort_size: int, num_extra: int
) -> None:
    bench = make_bench()
    settings = SynchronousRounds(cohort_size, num_extra=num_extra, min_workers=num_workers)
    bench.register(0.0, consistency=settings)
    clients = [str(index) for index in range(num_workers)]

    bench.join(*clients)
    invited = [c for c in clients if bench.worker(c).num_invited]
    answers = [bench.push(1.0, client_id=c, kind=DELTA) for c in invited[:cohort_size]]

    assert len(invited) == min(num_workers, cohort_size + num_extra)
    assert [a.closed_round for a in answers] == [False] * (cohort_size - 1) + [True]


def test_cohorts_follow_the_generator_that_is_injected(make_bench) -> None:
    cohorts = []
    for _ in range(2):
        bench = make_bench()
        bench.register(0.0, consistency=SynchronousRounds(2, min_workers=8))
        bench.join(*"abcdefgh")
        cohorts.append([c for c in "abcdefgh" if bench.worker(c).num_invited])

    assert cohorts[0] == cohorts[1]
    assert len(cohorts[0]) == 2


def test_every_worker_is_drawn_as_often_as_the_others(make_bench) -> None:
    # 600 draws of 2 of 6: a worker's share is binomial(600, 1/3), sigma 11.5; five sigma, false alarms below 1e-5.
    bench = make_bench()
    bench.register(0.0, consistency=SynchronousRounds(2, min_workers=6))
    bench.join(*"abcdef")
    for _ in range(600):
        bench.model.mode.begin(bench.model.round, bench.now_s)

    assert all(abs(bench.worker(c).num_invited - 600 / 3) < 5 * 11.6 for c in "abcdef")


def test_strangers_and_second_contributions_are_refused(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2))
    bench.join("a", "b", "c")
    members = [c for c in "abc" if bench.worker(c).num_invited]
    (stranger,) = set("abc") - set(members)

    bench.push(1.0, client_id=members[0])

    with pytest.raises(FailedPreconditionError, match="was not drawn"):
        bench.push(1.0, client_id=stranger)
    with pytest.raises(FailedPreconditionError, match="one contribution a round: round 1 has counted it"):
        bench.push(1.0, client_id=members[0])
    with pytest.raises(FencedError, match="register 'd' with this model first"):
        bench.push(1.0, client_id="d")
    with pytest.raises(FailedPreconditionError, match="round_id: got 7, allowed: 1"):
        bench.push(1.0, client_id=members[1], round_id=7)


def test_a_round_closes_at_its_deadline_with_the_quorum(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(3, quorum=2, deadline_s=5.0))
    bench.join("a", "b", "c")
    for client_id, value in (("a", 2.0), ("b", 4.0)):
        bench.push(value, client_id=client_id)

    bench.now_s = 4.9
    assert bench.close_due() == 5.0
    assert bench.version.number == 1
    bench.now_s = 5.0
    bench.close_due()

    assert (bench.version.number, bench.values[0]) == (2, 3.0)
    assert bench.info().round_id == 2


def test_below_the_quorum_a_round_stays_open_and_draws_further_workers_in(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, deadline_s=5.0))
    bench.join("a", "b")
    bench.push(2.0, client_id="a")
    bench.now_s = 4.0
    (token,) = bench.join("c")

    # The lease of b has run out by then: the draw does not count on it.
    bench.models.renew_worker("policy", "a", bench.join("a")[0], 4.0)
    bench.now_s = 11.0
    assert bench.close_due() == 16.0

    assert is_invited(bench, "c", token)
    assert ("invitation", "policy", "c") in bench.woken
    assert bench.info().num_pending == 1
    bench.push(4.0, client_id="c")
    assert bench.values[0] == 3.0


def test_a_member_that_is_still_there_is_counted_on(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, deadline_s=5.0))
    bench.join("a", "b")
    bench.join("c")
    bench.push(2.0, client_id="a")

    bench.now_s = 5.0
    bench.close_due()

    assert bench.worker("c").num_invited == 0
    bench.push(4.0, client_id="b")
    assert bench.version.number == 2


def test_a_member_that_registers_again_is_still_a_member(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(1))
    bench.join("a")
    bench.now_s = 20.0
    with pytest.raises(FencedError, match="ran out"):
        bench.push(1.0, client_id="a")

    (token,) = bench.join("a")

    assert is_invited(bench, "a", token)
    assert bench.push(1.0, client_id="a").closed_round


def test_late_contributions_are_refused_by_name(bench) -> None:
    base = bench.register(0.0, consistency=SynchronousRounds(2, num_extra=1, min_workers=3))
    bench.join("a", "b", "c")
    for client_id in ("a", "b"):
        bench.push(1.0, client_id=client_id)

    for round_id in (0, 1):
        with pytest.raises(StaleContributionError, match="lies 1 versions behind"):
            bench.push(1.0, client_id="c", base_version=base, round_id=round_id)


@pytest.mark.parametrize("round_id", [0, 1])
def test_late_contributions_that_are_kept_count_in_the_open_round(bench, round_id: int) -> None:
    base = bench.register(0.0, consistency=SynchronousRounds(2, num_extra=1, min_workers=3, late=LatePolicy.KEEP))
    bench.join("a", "b", "c")
    for client_id in ("a", "b"):
        bench.push(1.0, client_id=client_id)

    late = bench.push(3.0, client_id="c", base_version=base, round_id=round_id)
    own = bench.push(2.0, client_id="c", round_id=2)

    assert (late.round_id, late.staleness, late.closed_round) == (2, 1, False)
    assert own.closed_round
    assert bench.values[0] == 1.0 + (3.0 + 1.0) / 2


def test_a_late_contribution_is_kept_once_and_of_members_only(bench) -> None:
    base = bench.register(0.0, consistency=SynchronousRounds(3, quorum=1, deadline_s=5.0, late=LatePolicy.KEEP))
    bench.join("a", "b", "c")
    bench.push(1.0, client_id="a")
    bench.now_s = 5.0
    bench.close_due()
    bench.push(3.0, client_id="c", base_version=base, round_id=1)

    for client_id in ("a", "c"):
        with pytest.raises(FailedPreconditionError, match="members of round 1 that have not contributed"):
            bench.push(3.0, client_id=client_id, base_version=base, round_id=1)


def test_invitations_and_participation_are_counted(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, num_extra=1, min_workers=3))
    bench.join("a", "b", "c")
    for client_id in ("a", "b"):
        bench.push(1.0, client_id=client_id)

    counted = [(bench.worker(c).num_invited, bench.worker(c).num_participated) for c in "abc"]

    assert counted == [(2, 1), (2, 1), (2, 0)]
    assert bench.info().round_remaining_s == 60.0


def test_an_early_round_that_cannot_close_is_told_and_tried_at_the_next_deadline(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, quorum=1, deadline_s=5.0))
    bench.join("a", "b")
    bench.push(2.0, client_id="a")
    bench.log.error = ResourceExhaustedError("the journal cannot grow: no space is left")
    problems: list[Exception] = []

    bench.now_s = 5.0
    again_s = bench.models.close_due(5.0, 100.0, problems).value
    bench.log.error = None
    bench.now_s = 10.0
    bench.close_due()

    assert again_s == 10.0
    assert [type(p) for p in problems] == [ResourceExhaustedError]
    assert bench.info().refusals == {"ResourceExhaustedError": 1}
    assert (bench.version.number, bench.values[0]) == (2, 2.0)
