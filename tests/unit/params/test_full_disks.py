"""Journals on a disk that has no room, or fails."""

import os
from collections.abc import Callable

import pytest

from heronry.types.aggregation import Aggregation, Median
from heronry.types.consistency import SynchronousRounds
from heronry.types.errors import DataLossError, HeronryError, ResourceExhaustedError

JOURNAL = "heronry.params.core.durability.journal.os"


def full(*_: object) -> int:
    raise OSError(28, "No space left on device")


def a_part_then_full() -> Callable[..., int]:
    write, calls = os.write, []

    def some(descriptor: int, content: bytes) -> int:
        calls.append(content)
        return write(descriptor, content[:5]) if len(calls) == 1 else full()

    return some


@pytest.mark.parametrize("call", ["open", "write", "writev", "fdatasync"])
def test_a_checkpoint_can_be_made_once_there_is_room_again(open_folder, monkeypatch, call: str) -> None:
    bench, folder = open_folder()
    bench.register(0.0)

    with monkeypatch.context() as patched:
        patched.setattr(f"{JOURNAL}.{call}", full)
        with pytest.raises(ResourceExhaustedError, match="no space is left"):
            bench.models.begin_checkpoint()
    bench.push(5.0)
    folder.write(bench.models.begin_checkpoint())
    bench.push(7.0)
    bench, _ = open_folder()

    assert (bench.version.number, bench.values[0], bench.problems) == (3, 7.0, [])


def test_a_journal_that_cannot_be_begun_leaves_nothing(open_folder, monkeypatch) -> None:
    bench, folder = open_folder()
    bench.register(0.0)
    before = sorted(folder.path.iterdir())

    with monkeypatch.context() as patched:
        patched.setattr(f"{JOURNAL}.write", a_part_then_full())
        with pytest.raises(ResourceExhaustedError):
            folder.rotate()

    assert sorted(folder.path.iterdir()) == before


def test_nothing_is_acknowledged_behind_a_torn_record(open_folder, monkeypatch) -> None:
    bench, folder = open_folder()
    bench.register(0.0)

    def half(descriptor: int, _: object) -> int:
        os.write(descriptor, b"half a record")
        return full()

    with monkeypatch.context() as patched:
        patched.setattr(f"{JOURNAL}.writev", half)
        patched.setattr(f"{JOURNAL}.ftruncate", full)
        with pytest.raises(ResourceExhaustedError):
            bench.push(1.0)
    with pytest.raises(ResourceExhaustedError, match="torn record: make a checkpoint"):
        bench.push(2.0)

    folder.write(bench.models.begin_checkpoint())
    bench.push(3.0)
    bench, _ = open_folder()
    assert (bench.version.number, bench.values[0], bench.problems) == (2, 3.0, [])


def test_a_round_whose_file_cannot_be_read_is_told_of_and_tried_again(bench, monkeypatch) -> None:
    spilled = Aggregation(Median(), max_held_bytes=1)
    bench.register(0.0, aggregation=spilled, consistency=SynchronousRounds(3, quorum=2, deadline_s=5.0))
    bench.join("a", "b", "c")
    for client_id in "ab":
        bench.push(2.0, client_id=client_id)
    problems: list[HeronryError] = []

    with monkeypatch.context() as patched:
        patched.setattr("heronry.params.core.aggregation.spill_file.os.preadv", full)
        again_s = bench.models.close_due(5.0, 100.0, problems).value
    bench.now_s = again_s
    bench.close_due()

    assert [type(problem) for problem in problems] == [DataLossError]
    assert (again_s, bench.version.number, bench.values[0]) == (10.0, 2, 2.0)
