import math
from collections.abc import Callable

import pytest

from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    Consistency,
    StaleSynchronous,
    SynchronousRounds,
    fewest_in_round,
    round_size,
)
from heronry.types.errors import InvalidArgumentError


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: SynchronousRounds(0), "synchronous.cohort_size"),
        (lambda: SynchronousRounds(2.5), "synchronous.cohort_size"),  # type: ignore[arg-type]  # on purpose
        (lambda: SynchronousRounds(True), "synchronous.cohort_size"),
        (lambda: SynchronousRounds(2**32), "synchronous.cohort_size"),
        (lambda: SynchronousRounds(4, num_extra=2**32), "synchronous.num_extra"),
        (lambda: SynchronousRounds(4, min_workers=2**32), "synchronous.min_workers"),
        (lambda: SynchronousRounds(4, quorum="2"), "synchronous.quorum"),  # type: ignore[arg-type]  # on purpose
        (lambda: SynchronousRounds(4, deadline_s=1e10), "synchronous.deadline_s"),
        (lambda: SynchronousRounds(4, deadline_s=1e-10), "synchronous.deadline_s"),
        (lambda: SynchronousRounds(4, deadline_s=math.nan), "synchronous.deadline_s"),
        (lambda: SynchronousRounds(4, deadline_s=None), "synchronous.deadline_s"),  # type: ignore[arg-type]  # on purpose
        (lambda: SynchronousRounds(4, late="keep"), "synchronous.late"),  # type: ignore[arg-type]  # on purpose
        (lambda: SynchronousRounds(4, quorum=5), "synchronous.quorum"),
        (lambda: SynchronousRounds(4, quorum=0), "synchronous.quorum"),
        (lambda: SynchronousRounds(4, deadline_s=0.0), "synchronous.deadline_s"),
        (lambda: SynchronousRounds(4, deadline_s=math.inf), "synchronous.deadline_s"),
        (lambda: SynchronousRounds(4, num_extra=-1), "synchronous.num_extra"),
        (lambda: SynchronousRounds(4, min_workers=0), "synchronous.min_workers"),
        (lambda: StaleSynchronous(-1), "stale_synchronous.max_lead"),
        (lambda: StaleSynchronous(1, max_staleness=-1), "stale_synchronous.max_staleness"),
        (lambda: StaleSynchronous(2**64), "stale_synchronous.max_lead"),
        (lambda: StaleSynchronous(1, 2**64), "stale_synchronous.max_staleness"),
        (lambda: Asynchronous(max_staleness=2**64), "asynchronous.max_staleness"),
        (lambda: Asynchronous(staleness_exponent=True), "asynchronous.staleness_exponent"),
        (lambda: BufferedAsynchronous(2**32), "buffered.num_contributions"),
        (lambda: Asynchronous(max_staleness=-1), "asynchronous.max_staleness"),
        (lambda: Asynchronous(staleness_exponent=-0.5), "asynchronous.staleness_exponent"),
        (lambda: BufferedAsynchronous(0), "buffered.num_contributions"),
        (lambda: BufferedAsynchronous(2, staleness_exponent=math.nan), "buffered.staleness_exponent"),
    ],
)
def test_a_figure_out_of_range_names_its_field(make: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make()

    assert error.value.details["field"] == f"consistency.{field}"


@pytest.mark.parametrize(
    ("consistency", "size", "fewest"),
    [
        (SynchronousRounds(4), 4, 4),
        (SynchronousRounds(4, quorum=3), 4, 3),
        (BufferedAsynchronous(5), 5, 5),
        (Asynchronous(), 1, 1),
        (StaleSynchronous(2), 1, 1),
    ],
)
def test_a_mode_says_how_many_contributions_make_a_round(consistency: Consistency, size: int, fewest: int) -> None:
    assert (round_size(consistency), fewest_in_round(consistency)) == (size, fewest)


def test_by_default_a_cohort_is_drawn_once_there_are_as_many_workers() -> None:
    assert SynchronousRounds(4).workers_needed == 4
    assert SynchronousRounds(4, min_workers=2).workers_needed == 2
