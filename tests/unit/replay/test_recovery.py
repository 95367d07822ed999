"""A table from its folder: equal to the one that was served."""

from pathlib import Path

import pytest
from durable_tables import MAX_BYTES, SETTINGS, Open, Writer, copied, definition, lived, steps

from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.state import first_difference
from heronry.replay.durability.folder import FolderLock
from heronry.replay.durability.storage_root import StorageRoot
from heronry.types.errors import FencedError
from heronry.types.experience import AcknowledgementLevel


@pytest.mark.parametrize("with_snapshot", [False, True])
@pytest.mark.parametrize("level", [AcknowledgementLevel.PROCESS, AcknowledgementLevel.DISK])
def test_a_killed_table_is_the_one_that_was_served(
    opened: Open, tmp_path: Path, with_snapshot: bool, level: AcknowledgementLevel
) -> None:
    served, _ = opened(level=level)
    lived(served, with_snapshot=with_snapshot)
    copied(tmp_path, "killed")

    found, report = opened("killed", level)

    assert report.problems == ()
    assert (report.num_items, report.num_dropped) == (98, 0)
    assert found.table.info().num_recovered == 98
    assert steps(found.table) == steps(served.table) == [n for n in range(61, 161) if n not in (100, 120)]
    assert first_difference(found.table.state(), served.table.state()) is None


def test_the_next_draws_are_those_that_would_have_come(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    served.table.contents.sampler.draw(5, served.table.contents.rng)
    served.write(served.take())
    copied(tmp_path, "killed")

    found, _ = opened("killed")

    draws = [t.table.contents.sampler.draw(64, t.table.contents.rng).slots.tolist() for t in (served, found)]
    assert draws[0] == draws[1]


def test_a_clean_end_leaves_a_snapshot_and_nothing_to_apply(opened: Open) -> None:
    served, _ = opened()
    lived(served, with_snapshot=False)
    assert served.has_changed
    served.write(served.take())
    assert not served.has_changed
    expected = steps(served.table)
    served.close()

    found, report = opened()

    assert (report.num_effects, report.problems) == (0, ())
    assert steps(found.table) == expected


def test_a_recovered_table_goes_on_and_is_recovered_again(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    copied(tmp_path, "once")
    found, _ = opened("once")
    writer = Writer(found.table, first=160)
    assert writer.sequence == 6
    writer.append(20)
    expected = steps(found.table)
    found.close()

    again, report = opened("once")

    assert steps(again.table) == expected
    assert report.problems == ()


def test_recovery_that_is_killed_and_begun_again_comes_to_the_same_end(opened: Open, tmp_path: Path) -> None:
    served, _ = opened()
    lived(served, with_snapshot=True)
    copied(tmp_path, "killed")
    for _ in range(3):
        # Not closed: the process is gone, and what it wrote is there.
        found, report = opened("killed")
        assert report.problems == ()
        assert steps(found.table) == steps(served.table)


def test_a_second_server_is_refused_by_name(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)

    with pytest.raises(FencedError, match=r"in use by another replay server, process \d+"):
        FolderLock(tmp_path)

    first.close()
    FolderLock(tmp_path).close()


def test_tables_are_found_again_by_name_and_unfinished_ones_are_removed(tmp_path: Path) -> None:
    root = StorageRoot(tmp_path, ByteBudget(MAX_BYTES), SETTINGS)
    declared = definition()
    table = root.create(declared)
    Writer(table.table).append(3)
    (tmp_path / "half" / "columns").mkdir(parents=True)
    table.close()
    root.close()

    again = StorageRoot(tmp_path, ByteBudget(MAX_BYTES), SETTINGS)
    (found,) = again.recover()

    assert (found.name, found.declared, found.error) == ("t", declared, None)
    assert found.table is not None
    assert steps(found.table.table) == [0, 1, 2]
    assert not (tmp_path / "half").exists()
    found.table.remove()
    assert not (tmp_path / "t").exists()
    again.close()
