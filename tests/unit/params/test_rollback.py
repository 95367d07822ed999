"""Going back to an earlier version."""

import numpy as np
import pytest

from heronry.types.blocking import WouldBlock
from heronry.types.consistency import Asynchronous, BufferedAsynchronous, SynchronousRounds
from heronry.types.contribution import ContributionKind
from heronry.types.errors import InvalidArgumentError, StaleContributionError, VersionNotFoundError
from heronry.types.optimizers import SgdOptimizer


def rolled_back(bench, number: int | None = None, tag: str | None = None, request_id: str = "back"):
    return bench.models.rollback("policy", number, tag, request_id, 200.0)


def test_a_rollback_publishes_earlier_values_under_a_new_number(bench) -> None:
    first = bench.register(1.0)
    second = bench.push(2.0).version

    changed = rolled_back(bench, number=1)

    version = changed.value
    assert (version.number, version.content_hash, version.parent_hash) == (3, first.content_hash, second.content_hash)
    assert bench.values[0] == 1.0
    assert ("version", "policy", 3) in changed.conditions


def test_a_tagged_version_can_be_gone_back_to_however_old_it_is(bench) -> None:
    bench.register(1.0, num_versions_kept=1)
    bench.models.tag("policy", 1, "best")
    for value in (2.0, 3.0):
        bench.push(value)

    rolled_back(bench, tag="best")

    assert bench.values[0] == 1.0
    with pytest.raises(VersionNotFoundError):
        rolled_back(bench, number=2, request_id="other")


def test_the_open_round_is_dropped_and_its_requests_stay_remembered(bench) -> None:
    bench.register(0.0, consistency=BufferedAsynchronous(2))
    counted = bench.push(100.0, request_id="dropped")

    rolled_back(bench, number=1)

    assert (bench.info().round_id, bench.info().num_pending) == (2, 0)
    again = bench.push(100.0, request_id="dropped")
    assert (again.counted, again.round_id) == (False, counted.round_id)
    for value in (1.0, 3.0):
        bench.push(value)
    assert bench.values[0] == 2.0


def test_contributions_computed_before_a_rollback_are_refused_by_name(bench) -> None:
    bench.register(0.0, consistency=Asynchronous(max_staleness=8))
    before = bench.push(2.0).version
    rolled_back(bench, number=1)

    with pytest.raises(StaleContributionError, match=r"rolled back at version 3"):
        bench.push(1.0, kind=ContributionKind.DELTA, base_version=before)

    assert bench.push(1.0, kind=ContributionKind.DELTA).counted
    assert bench.values[0] == 1.0


def test_the_optimiser_begins_anew(bench) -> None:
    bench.register(0.0, optimizer=SgdOptimizer(1.0, momentum=0.5))
    bench.push(1.0, kind=ContributionKind.DELTA)
    rolled_back(bench, number=1)

    bench.push(1.0, kind=ContributionKind.DELTA)

    assert bench.values[0] == 1.0
    assert bench.model.optimizer_state.num_steps == 1


def test_a_rollback_is_made_once_a_request(bench) -> None:
    bench.register(1.0)
    bench.push(2.0)
    version = rolled_back(bench, number=1).value

    assert rolled_back(bench, number=1).value == version
    assert bench.version.number == 3


def test_what_a_rollback_needs_is_asked_for(bench) -> None:
    bench.register(1.0)

    with pytest.raises(InvalidArgumentError, match="a number or a tag"):
        rolled_back(bench)
    with pytest.raises(InvalidArgumentError, match="request_id"):
        rolled_back(bench, number=1, request_id="")


def test_a_cohort_is_drawn_again_after_a_rollback(bench) -> None:
    bench.register(0.0, consistency=SynchronousRounds(1))
    (token,) = bench.join("a")
    rolled_back(bench, number=1)
    with pytest.raises(WouldBlock):
        bench.models.next_invitation("policy", "a", token, 1, 0.0)

    bench.close_due()

    assert bench.models.next_invitation("policy", "a", token, 1, 0.0).round_id == 2


def test_values_gone_back_to_are_shared_not_copied(bench) -> None:
    bench.register(*np.zeros(8))
    first = bench.model.history.newest.flat
    bench.push(*np.ones(8))

    rolled_back(bench, number=1)

    assert np.shares_memory(bench.model.history.newest.flat, first)
