import pytest

from heronry.replay.core.writers import Writer, Writers
from heronry.types.errors import InvalidArgumentError


def writer(name: str, epoch: int = 1) -> Writer:
    return Writer(name, epoch, 2, strands=())


def test_open_writers_are_counted_through_every_change_of_hands() -> None:
    writers, first, second = Writers(max_writers=2), object(), object()
    one = writer("one")
    writers.add(one)
    assert writers.num_open == 0

    writers.attach(one, first)
    writers.attach(one, second)
    writers.detach(one, first)
    assert writers.num_open == 1

    newer = writer("one", epoch=2)
    writers.add(newer)
    assert writers.num_open == 0
    writers.detach(one, second)
    assert writers.num_open == 0


def test_a_writer_keeps_its_number_of_lanes_for_an_epoch() -> None:
    writers = Writers()
    writers.add(writer("one"))

    with pytest.raises(InvalidArgumentError, match="num_lanes: got 3, allowed: 2"):
        writers.find("one", 1, 3)
    assert writers.find("one", 2, 3) is None
