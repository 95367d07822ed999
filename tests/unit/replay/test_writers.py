import pytest

from heronry.replay.core.writers import Writers
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError


def test_open_writers_are_counted() -> None:
    writers = Writers(max_writers=2)
    one = writers.add(1, "one", 1, 2)
    assert writers.num_open == 0

    writers.attach(one, object())
    assert writers.num_open == 1

    writers.detach(one)
    assert writers.num_open == 0


def test_a_writer_keeps_its_number_of_lanes_for_an_epoch() -> None:
    writers = Writers()
    writers.add(1, "one", 1, 2)

    with pytest.raises(InvalidArgumentError, match="num_lanes: got 3, allowed: 2"):
        writers.find("one", 1, 3)
    assert writers.find("one", 2, 3) is None


def test_a_new_start_displaces_the_old_one_and_beyond_the_bound_who_is_longest_away() -> None:
    writers = Writers(max_writers=2)
    one, two = writers.add(1, "one", 1, 1), writers.add(2, "two", 1, 1)
    writers.use(one)

    assert writers.displaced_by("one") == [one]
    assert writers.displaced_by("three") == [two]

    writers.attach(one, object())
    writers.attach(two, object())
    with pytest.raises(ResourceExhaustedError, match="2 writers are open"):
        writers.displaced_by("three")


def test_writers_restored_are_those_saved() -> None:
    writers, restored = Writers(), Writers()
    writers.add(1, "one", 4, 2).accepted = 17
    writers.add(2, "two", 1, 1)

    restored.restore(writers.state())

    assert restored.find("one", 4, 2).accepted == 17
    assert restored.next_number == 3
