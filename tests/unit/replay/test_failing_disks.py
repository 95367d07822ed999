"""A table whose disk is full or broken: it refuses by name, and what it acknowledged stays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from durable_tables import Open, Writer, copied, keys, steps

from heronry.replay.durability import log as log_module
from heronry.types.errors import ResourceExhaustedError
from heronry.types.experience import AcknowledgementLevel


def test_a_full_disk_refuses_inserts_goes_on_reading_and_takes_them_again(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _ = opened()
    writer = Writer(served.table)
    writer.append(50)

    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log_module.os, "posix_fallocate", full)
    appended = 0
    while served.journal.has_room:
        writer.append(2)
        appended += 1
    with pytest.raises(ResourceExhaustedError, match="no space is left on the disk"):
        writer.append(2)
    writer.number -= 2
    writer.sequence -= 1
    served.table.update_priorities(keys(served.table, [writer.number - 1]), np.array([4.0]))
    served.table.contents.sampler.draw(10, served.table.contents.rng)
    monkeypatch.undo()
    if served.journal.needs_snapshot:
        served.write(served.resume())
    writer.append(2)
    copied(tmp_path, "killed")

    found, report = opened("killed")

    assert appended > 10
    assert report.problems == ()
    assert steps(found.table) == list(range(50 + 2 * appended + 2))[-100:]


def test_a_log_that_failed_goes_on_behind_a_snapshot(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _ = opened(level=AcknowledgementLevel.DISK)
    writer = Writer(served.table)
    writer.append(10)
    monkeypatch.setattr(log_module.os, "fdatasync", _failing_for(".log"))
    with pytest.raises(ResourceExhaustedError):
        served.journal.sync()
    monkeypatch.undo()
    with pytest.raises(ResourceExhaustedError):
        writer.append(1)
    writer.number, writer.sequence = 10, 1
    assert served.journal.needs_snapshot

    snapshot = served.resume()
    with pytest.raises(ResourceExhaustedError, match="a snapshot is being written"):
        writer.append(1)
    writer.number, writer.sequence = 10, 1
    served.write(snapshot)
    writer.append(5)
    assert served.journal.sync() == served.journal.committed
    copied(tmp_path, "killed")

    found, _ = opened("killed", AcknowledgementLevel.DISK)
    assert steps(found.table) == list(range(15))


def test_columns_that_cannot_be_synced_let_nothing_in_any_more(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    served, _ = opened(level=AcknowledgementLevel.DISK)
    writer = Writer(served.table)
    writer.append(10)
    monkeypatch.setattr(log_module.os, "fdatasync", _failing_for(".bin"))
    with pytest.raises(ResourceExhaustedError, match="Input/output error"):
        served.journal.sync()
    monkeypatch.undo()

    for refused in (served.journal.sync, lambda: writer.append(1)):
        with pytest.raises(ResourceExhaustedError, match="must be started again"):
            refused()
    assert not served.journal.needs_snapshot
    assert steps(served.table) == list(range(10))


def _failing_for(suffix: str) -> Callable[[int], None]:
    def fdatasync(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().suffix == suffix:
            raise OSError(5, "Input/output error")

    return fdatasync
