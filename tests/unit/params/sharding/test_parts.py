"""Parts that wait for the round that counts them."""

from pathlib import Path

import numpy as np
import pytest

from heronry.params.core.rounds import Place
from heronry.params.core.sharding.parts import Part, WaitingParts
from heronry.types.contribution import ContributionKind
from heronry.types.errors import ResourceExhaustedError


def part(request_id: str, base_number: int = 1, index: int = 0) -> Part:
    values, others = np.full(2, 1.5, np.float32), {"n": np.zeros(1, np.int64)}
    kind, place = ContributionKind.DELTA, Place(3, index)
    return Part("worker", request_id, base_number, kind, values, others, 1.5, 4.5, place)


@pytest.fixture
def waiting(tmp_path: Path) -> WaitingParts:
    return WaitingParts(max_parts=3, max_held_bytes=20, spill_dir=tmp_path)


def test_parts_are_found_by_client_and_request(waiting: WaitingParts) -> None:
    waiting.put(part("a"))

    assert ("worker", "a") in waiting
    assert ("another", "a") not in waiting
    assert waiting.find(("worker", "a")).base_number == 1
    assert waiting.find(("worker", "b")) is None


def test_the_number_of_parts_is_bounded(waiting: WaitingParts) -> None:
    for name in "abc":
        waiting.check_room()
        waiting.put(part(name))

    with pytest.raises(ResourceExhaustedError, match="waiting_parts: got 3, allowed: at most 3") as error:
        waiting.check_room()

    assert error.value.retry_after_s is not None
    waiting.discard(("worker", "a"))
    waiting.check_room()


def test_values_beyond_the_bound_of_memory_lie_in_a_file_that_nothing_outlives(
    waiting: WaitingParts, tmp_path: Path
) -> None:
    for name in "abc":
        waiting.put(waiting.prepare(part(name)))

    assert waiting.num_held_bytes == part("a").num_bytes
    assert [waiting.find(("worker", name)).is_held for name in "abc"] == [True, False, False]
    np.testing.assert_array_equal(waiting.find(("worker", "c")).values, part("c").values)
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_refuses_the_part(waiting: WaitingParts, tmp_path: Path) -> None:
    waiting.put(part("a"))
    tmp_path.rmdir()

    with pytest.raises(ResourceExhaustedError, match="spill: No such file"):
        waiting.prepare(part("b"))


def test_parts_with_an_older_base_are_dropped(waiting: WaitingParts) -> None:
    for base_number, name in enumerate("abc", start=1):
        waiting.put(part(name, base_number))

    waiting.discard_before(3)

    assert len(waiting) == 1
    assert ("worker", "c") in waiting
    assert waiting.num_held_bytes == part("c").num_bytes


def test_the_journal_is_needed_from_the_oldest_part_on(waiting: WaitingParts) -> None:
    assert waiting.began is None
    for index, name in enumerate("abc"):
        waiting.put(part(name, index=index))

    waiting.discard(("worker", "a"))

    assert waiting.began == Place(3, 1)
