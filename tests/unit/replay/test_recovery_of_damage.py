"""A table from a damaged folder: what is left is whole, and what is not is told."""

import shutil
from pathlib import Path

import pytest
from durable_tables import Open, Writer, copied, keys, lived, steps

from heronry.replay.core.state import first_difference
from heronry.replay.durability.log import segments

# That no flip passes for a record is shown for every byte of a log by its own test.
STRIDES = [41, pytest.param(1, marks=pytest.mark.acceptance)]


@pytest.mark.parametrize("stride", STRIDES)
def test_truncation_at_every_byte_of_the_log_leaves_a_state_the_table_had(
    opened: Open, tmp_path: Path, stride: int
) -> None:
    served, _ = opened()
    writer = Writer(served.table)
    states = [[]]
    for count in (3, 2, 4):
        writer.append(count)
        states.append(steps(served.table))
    served.table.delete(keys(served.table, [1, 4]))
    states.append(steps(served.table))
    target = copied(tmp_path, "cut")
    (_, path), *_ = segments(target / "log")
    used = len(path.read_bytes().rstrip(b"\0"))
    content = path.read_bytes()

    for length in range(0, used, stride):
        shutil.rmtree(target / "log")
        (target / "log").mkdir()
        path.write_bytes(content[:length])
        found, report = opened("cut")
        # An item can be in before its block is accepted: that is a state in between.
        assert steps(found.table) in states
        assert all("cut off" in p for p in report.problems)
        found.close()
        shutil.rmtree(target / "snapshots", ignore_errors=True)


@pytest.mark.parametrize("stride", STRIDES)
def test_a_flipped_bit_anywhere_in_the_log_is_told_and_nothing_is_doubled_or_torn(
    opened: Open, tmp_path: Path, stride: int
) -> None:
    served, _ = opened()
    writer = Writer(served.table)
    states = [[]]
    for count in (3, 2):
        writer.append(count)
        states.append(steps(served.table))
    served.table.delete(keys(served.table, [1, 4]))
    states.append(steps(served.table))
    target = copied(tmp_path, "flipped")
    (_, path), *_ = segments(target / "log")
    content = path.read_bytes()
    used = len(content.rstrip(b"\0"))
    num_silent = 0

    for at in range(0, used, stride):
        for file in (target / "log").iterdir():
            file.unlink()
        path.write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
        found, report = opened("flipped")
        assert steps(found.table) in states
        # The zeros that fill a record up carry nothing and are not covered.
        num_silent += report.problems == ()
        assert report.problems or steps(found.table) == states[-1]
        found.close()
        shutil.rmtree(target / "snapshots", ignore_errors=True)
    assert num_silent < used / stride / 4


def test_what_is_left_out_is_not_read_again_behind_what_comes_after(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=False)
    target = copied(tmp_path, "damaged")
    (_, path), *_ = segments(target / "log")
    content = bytearray(path.read_bytes())
    content[len(content.rstrip(b"\0")) // 2] ^= 4
    path.write_bytes(content)
    found, report = opened("damaged")
    assert len(report.problems) == 1
    assert "positions" in report.problems[0]
    writer = Writer(found.table, "another", first=1000)
    writer.append(10)
    expected = steps(found.table)
    found.close()

    again, report = opened("damaged")

    assert report.problems == ()
    assert steps(again.table) == expected


def test_steps_that_do_not_match_their_checksums_take_their_items_with_them(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    Writer(served.table).append(100)
    target = copied(tmp_path, "torn")
    path = target / "columns" / "0.bin"
    content = bytearray(path.read_bytes())
    content[8 * 5] ^= 1
    path.write_bytes(content)

    found, report = opened("torn")

    assert report.num_dropped > 0
    assert "do not match their checksums" in report.problems[0]
    assert 5 not in steps(found.table)
    assert len(steps(found.table)) == 100 - report.num_dropped


def test_a_damaged_snapshot_costs_nothing_while_the_log_goes_back_far_enough(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    served.write(served.take())
    target = copied(tmp_path, "damaged")
    newest = max((target / "snapshots").iterdir())
    content = bytearray(newest.read_bytes())
    content[-20] ^= 1
    newest.write_bytes(content)

    found, report = opened("damaged")

    assert len(report.problems) == 1
    assert "is damaged" in report.problems[0]
    assert first_difference(found.table.state(), served.table.state()) is None
