"""A bound on how far workers part."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heronry.types.blocking import WouldBlock
from heronry.types.consistency import StaleSynchronous
from heronry.types.contribution import ContributionKind
from heronry.types.errors import FencedError, StaleContributionError


def step(bench, client_id: str) -> None:
    bench.push(1.0, client_id=client_id, kind=ContributionKind.DELTA)


def may_go_on(bench, client_id: str) -> bool:
    try:
        bench.models.check_lead("policy", client_id, bench.now_s)
    except WouldBlock:
        return False
    return True


def test_a_worker_waits_once_it_is_further_ahead_than_allowed(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=2))
    bench.join("fast", "slow")
    seen = []

    for _ in range(3):
        step(bench, "fast")
        seen.append(may_go_on(bench, "fast"))

    assert seen == [True, True, False]
    assert may_go_on(bench, "slow")
    assert bench.worker("fast").lead == 3


def test_whoever_waits_is_woken_by_the_slowest_and_by_nobody_else(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=0))
    bench.join("fast", "middle", "slow")
    for client_id in ("fast", "middle"):
        step(bench, client_id)
    with pytest.raises(WouldBlock) as waiting:
        bench.models.check_lead("policy", "fast", 0.0)

    step(bench, "middle")
    assert waiting.value.condition not in bench.woken
    step(bench, "slow")

    assert waiting.value.condition in bench.woken
    assert may_go_on(bench, "fast")


def test_a_silent_worker_holds_the_others_up_until_its_lease_runs_out(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=0))
    bench.join("silent")
    bench.now_s = 3.0
    bench.join("fast")
    step(bench, "fast")
    with pytest.raises(WouldBlock) as waiting:
        bench.models.check_lead("policy", "fast", 3.0)

    bench.now_s = waiting.value.earliest_s

    assert bench.now_s == 10.0
    assert may_go_on(bench, "fast")


def test_whoever_goes_is_waited_for_no_longer(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=0))
    _, token = bench.join("fast", "slow")
    step(bench, "fast")
    with pytest.raises(WouldBlock) as waiting:
        bench.models.check_lead("policy", "fast", 0.0)

    changed = bench.models.unregister_worker("policy", "slow", token, 0.0)

    assert waiting.value.condition in changed.conditions
    assert may_go_on(bench, "fast")


def test_new_and_returning_workers_begin_at_the_clock_of_the_slowest(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=1))
    bench.join("old", "away")
    for _ in range(5):
        step(bench, "old")
        bench.now_s += 3.0
        bench.models.register_worker("policy", "old", 1, bench.now_s)

    bench.join("new")
    bench.models.register_worker("policy", "away", 2, bench.now_s)

    assert {c: bench.worker(c).lead for c in ("old", "new", "away")} == {"old": 0, "new": 0, "away": 0}


def test_workers_need_a_lease_and_a_base_within_the_bound(bench) -> None:
    base = bench.register(0.0, consistency=StaleSynchronous(max_lead=9, max_staleness=1))
    with pytest.raises(FencedError, match="register 'worker' with this model first"):
        step(bench, "worker")
    bench.join("worker")
    for _ in range(2):
        step(bench, "worker")

    with pytest.raises(StaleContributionError):
        bench.push(1.0, base_version=base, kind=ContributionKind.DELTA)


def test_readers_without_a_lease_never_wait(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=0))
    bench.join("slow")

    assert may_go_on(bench, "reader")


@given(moves=st.lists(st.sampled_from("abc"), max_size=60), max_lead=st.integers(0, 3))
def test_whoever_pulls_before_every_step_is_never_further_ahead_than_the_bound(make_bench, moves, max_lead) -> None:
    bench = make_bench()
    bench.register(0.0, consistency=StaleSynchronous(max_lead))
    bench.join(*"abc")
    clocks = dict.fromkeys("abc", 0)

    for client_id in moves:
        if may_go_on(bench, client_id):
            step(bench, client_id)
            clocks[client_id] += 1

    # The step that follows a pull at the bound leads by one more, as in Ho et al. 2013.
    assert max(clocks.values()) - min(clocks.values()) <= max_lead + 1
    assert may_go_on(bench, min(clocks, key=clocks.__getitem__))


def test_what_is_remembered_of_those_who_wait_is_bounded_and_the_oldest_still_wake_by_time(bench) -> None:
    bench.register(0.0, consistency=StaleSynchronous(max_lead=0))
    _, slow = bench.join("fast", "slow")
    step(bench, "fast")
    with pytest.raises(WouldBlock) as first:
        bench.models.check_lead("policy", "fast", 0.0)

    for _ in range(5000):
        bench.model.workers.count_accepted("fast", 0)
        may_go_on(bench, "fast")

    woken = bench.models.unregister_worker("policy", "slow", slow, 0.0).conditions
    assert len(woken) == 4096
    assert first.value.earliest_s == 10.0
