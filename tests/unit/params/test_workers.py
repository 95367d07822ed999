"""Leases of workers."""

import pytest

from heronry.params.core.workers import Workers
from heronry.types.errors import FencedError, InvalidArgumentError, ResourceExhaustedError


def test_a_lease_is_renewed_by_heartbeats_and_runs_out_without() -> None:
    workers = Workers(lease_s=10.0)
    token = workers.register("w", 1, now_s=0.0).fencing_token

    workers.renew("w", token, now_s=9.0)
    workers.check_lease("w", now_s=18.0)

    with pytest.raises(FencedError, match="ran out"):
        workers.renew("w", token, now_s=19.0)


def test_a_later_incarnation_fences_the_one_before() -> None:
    workers = Workers(lease_s=10.0)
    old = workers.register("w", 1, now_s=0.0).fencing_token

    new = workers.register("w", 2, now_s=1.0).fencing_token

    assert new > old
    with pytest.raises(FencedError, match="fencing_token"):
        workers.renew("w", old, now_s=2.0)
    with pytest.raises(FencedError, match="incarnation"):
        workers.register("w", 1, now_s=2.0)


def test_registering_again_is_answered_alike() -> None:
    workers = Workers(lease_s=10.0)

    assert workers.register("w", 1, now_s=0.0) == workers.register("w", 1, now_s=1.0)


def test_a_lease_given_back_is_gone() -> None:
    workers = Workers(lease_s=10.0)
    token = workers.register("w", 1, now_s=0.0).fencing_token

    workers.unregister("w", token, now_s=1.0)

    workers.check_lease("w", now_s=100.0)
    with pytest.raises(FencedError, match="holds no lease"):
        workers.renew("w", token, now_s=2.0)


def test_clients_without_a_name_get_no_lease() -> None:
    with pytest.raises(InvalidArgumentError, match="client_id"):
        Workers(lease_s=10.0).register("", 1, now_s=0.0)


def test_a_flood_of_clients_does_not_grow_the_list_without_bound() -> None:
    workers = Workers(lease_s=10.0)
    for index in range(5000):
        workers.count_refused(str(index))

    assert len(workers.infos(0.0)) == 4096


def test_a_flood_of_clients_does_not_drive_out_who_holds_a_lease() -> None:
    workers = Workers(lease_s=10.0)
    token = workers.register("w", 1, now_s=0.0).fencing_token
    for index in range(5000):
        workers.count_refused(str(index))

    workers.check_token("w", token, now_s=1.0)


def test_more_leases_than_allowed_are_refused_until_some_run_out() -> None:
    workers = Workers(lease_s=10.0)
    for index in range(4096):
        workers.register(str(index), 1, now_s=0.0)

    with pytest.raises(ResourceExhaustedError, match="4096 hold a lease"):
        workers.register("late", 1, now_s=9.0)

    assert workers.register("late", 1, now_s=11.0).fencing_token > 4096


def test_staleness_is_summed_up_by_worker() -> None:
    workers = Workers(lease_s=10.0)
    for staleness in (0, 4, 2):
        workers.count_accepted("w", staleness)

    (info,) = workers.infos(0.0)

    assert (info.last_staleness, info.mean_staleness, info.max_staleness) == (2, 2.0, 4)
