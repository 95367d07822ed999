"""Which versions may act, for how long, and who waits for them."""

import pytest

from heronry.types.blocking import WouldBlock
from heronry.types.errors import FencedError, VersionNotFoundError


def acting(bench, session):
    bench.step(session, session.group.last_sequence + 1)
    ((_, _, rows),) = bench.run()
    return rows[0, 0]


def test_an_unroll_acts_with_its_version_whatever_is_published(bench) -> None:
    session, _ = bench.open()
    begun = bench.core.begin_unroll(session, None)

    for number in range(2, 10):
        bench.publish(number)

    assert (begun.version.number, begun.newest.number) == (1, 1)
    assert acting(bench, session) == 1.0


def test_the_next_unroll_acts_with_the_newest(bench) -> None:
    session = bench.in_unroll()
    bench.publish(2)

    begun = bench.core.begin_unroll(session, None)

    assert begun.version.number == 2
    assert acting(bench, session) == 2.0


def test_the_newest_is_told_beside_a_version_chosen_by_number(bench) -> None:
    bench.publish(2)
    session, _ = bench.open()

    begun = bench.core.begin_unroll(session, 1)

    assert (begun.version.number, begun.newest.number) == (1, 2)


@pytest.mark.parametrize("number", [None, 1])
def test_the_first_version_is_waited_for(make_bench, number) -> None:
    bench = make_bench()
    session, _ = bench.open()

    with pytest.raises(WouldBlock) as waits:
        bench.core.begin_unroll(session, number)
    published = bench.core.add(bench.publish(1))

    assert waits.value.condition in published.conditions
    assert bench.core.begin_unroll(session, number).version.number == 1


def test_a_version_that_is_not_there_yet_is_waited_for(bench) -> None:
    session, _ = bench.open()

    with pytest.raises(WouldBlock, match="version number is 1, needs at least 3"):
        bench.core.begin_unroll(session, 3)


def test_a_version_that_is_kept_no_longer_is_named(bench) -> None:
    bench.publish(2)
    bench.publish(3)
    session, _ = bench.open()

    with pytest.raises(VersionNotFoundError, match=r"no version 1 \(have: 2, 3\)"):
        bench.core.begin_unroll(session, 1)


def test_a_version_in_use_can_be_chosen_until_its_last_unroll_has_ended(bench) -> None:
    user, other = bench.in_unroll("user"), bench.open("other")[0]
    bench.publish(2)
    bench.publish(3)
    bench.publish(4)

    assert bench.core.begin_unroll(other, 1).version.number == 1
    bench.core.close(user)
    bench.core.begin_unroll(other, None)
    with pytest.raises(VersionNotFoundError):
        bench.core.begin_unroll(other, 1)


def test_an_older_version_that_was_fetched_can_be_chosen(bench) -> None:
    for number in (2, 3, 4):
        bench.publish(number)
    session, _ = bench.open()

    bench.publish(1)
    begun = bench.core.begin_unroll(session, 1)

    assert (begun.version.number, begun.newest.number) == (1, 4)


def test_numbers_count_in_the_newest_epoch(bench) -> None:
    session = bench.in_unroll()
    bench.publish(7)
    bench.publish(3, epoch=2, scale=30.0)

    assert acting(bench, session) == 1.0
    with pytest.raises(WouldBlock):
        bench.core.begin_unroll(session, 7)
    assert bench.core.begin_unroll(session, None).version.epoch == 2
    assert acting(bench, session) == 30.0


def test_a_version_that_is_published_again_takes_the_place_of_the_first(bench) -> None:
    bench.publish(1, scale=5.0)
    session = bench.in_unroll()

    assert acting(bench, session) == 5.0


def test_a_stream_that_has_ended_holds_no_version(make_bench) -> None:
    bench = make_bench()
    session, _ = bench.open()
    bench.core.close(session)
    bench.publish(1)

    with pytest.raises(FencedError):
        bench.core.begin_unroll(session, 1)
    for number in range(2, 5):
        bench.publish(number)
    other, _ = bench.open()

    with pytest.raises(VersionNotFoundError):
        bench.core.begin_unroll(other, 1)
