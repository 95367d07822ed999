"""Cohorts whose workers come late, go or come back."""

import pytest

from heronry.types.blocking import WouldBlock
from heronry.types.consistency import LatePolicy, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FailedPreconditionError, FencedError

DELTA = ContributionKind.DELTA


def is_invited(bench, client_id: str, token: int, after: int = 0) -> bool:
    try:
        bench.models.next_invitation("policy", client_id, token, after, bench.now_s)
    except WouldBlock:
        return False
    return True


def test_rounds_go_on_with_the_quorum_after_workers_are_lost(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(3, quorum=2, deadline_s=5.0))
    bench.join("a", "b", "c")
    for round_id in (1, 2, 3):
        for client_id in ("a", "b"):
            bench.push(1.0, client_id=client_id, kind=DELTA, round_id=round_id)
        # The lease of c runs out in the second round.
        bench.now_s += 5.0
        bench.join("a", "b")
        bench.close_due()

    assert (bench.version.number, bench.values[0]) == (4, 3.0)
    assert bench.info().cohort_size == 2


def test_workers_that_come_while_members_are_wanting_are_drawn_in_at_once(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, min_workers=1, deadline_s=5.0))
    bench.join("a")
    bench.now_s = 2.0

    tokens = dict(zip("bc", bench.join("b", "c"), strict=True))

    assert [is_invited(bench, c, tokens[c]) for c in "bc"] == [True, False]
    assert bench.models.next_invitation("policy", "b", tokens["b"], 0, 2.0).remaining_s == 3.0


def test_a_member_that_goes_is_replaced_at_once(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, min_workers=3))
    tokens = dict(zip("abc", bench.join("a", "b", "c"), strict=True))
    members = [c for c in "abc" if bench.worker(c).num_invited]
    (stranger,) = set("abc") - set(members)

    woken = bench.models.unregister_worker("policy", members[0], tokens[members[0]], 1.0).conditions

    assert ("invitation", "policy", stranger) in woken
    assert is_invited(bench, stranger, tokens[stranger])


def test_after_a_rollback_rounds_go_on_with_fewer_workers_than_the_first_needed(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2, quorum=1, deadline_s=5.0))
    tokens = bench.join("a", "b")
    bench.models.unregister_worker("policy", "b", tokens[1], 0.0)

    bench.models.rollback("policy", 1, None, "back", 100.0)
    bench.close_due()

    assert is_invited(bench, "a", tokens[0], after=1)


def test_nobody_answers_a_round_twice_by_leaving_its_number_out(bench) -> None:
    base = bench.register(0.0, consistency=SynchronousRounds(1, late=LatePolicy.KEEP))
    bench.join("a")
    bench.push(1.0, client_id="a", kind=DELTA)

    with pytest.raises(FailedPreconditionError, match="members of round 1 that have not contributed"):
        bench.push(1.0, client_id="a", kind=DELTA, base_version=base)


def test_whoever_waits_for_an_invitation_looks_again_when_its_lease_would_run_out(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(2))
    (token,) = bench.join("a")
    bench.now_s = 3.0
    bench.models.renew_worker("policy", "a", token, 3.0)

    with pytest.raises(WouldBlock) as waiting:
        bench.models.next_invitation("policy", "a", token, 0, 3.0)

    assert waiting.value.earliest_s == 13.0
    with pytest.raises(FencedError, match="ran out"):
        bench.models.next_invitation("policy", "a", token, 0, waiting.value.earliest_s)


def test_a_restored_round_closes_at_its_deadline_though_not_all_workers_come_back(open_folder) -> None:
    bench, _ = open_folder()
    bench.register(0.0, consistency=SynchronousRounds(3, quorum=2, deadline_s=5.0))
    bench.join("a", "b", "c")
    for client_id in "ab":
        bench.push(1.0, client_id=client_id, kind=DELTA)

    bench, _ = open_folder()
    bench.join("a")
    bench.now_s = 5.0
    bench.close_due()

    assert (bench.version.number, bench.values[0]) == (2, 1.0)
