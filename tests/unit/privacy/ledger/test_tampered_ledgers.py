"""A byte changed anywhere in any row is found when the ledger is opened, and by `verify`."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from heronry.privacy.ledger import Ledger, Reservation, export, verify
from heronry.types.errors import DataLossError, HeronryError, LedgerTamperedError

COLUMNS = {
    "entry": ("sequence", "body", "cohort_digest", "digest"),
    "cohort": ("sequence", "participants"),
    "total": ("kind", "run", "key", "value"),
}


@pytest.fixture
def sound(path: Path) -> Path:
    with Ledger.open(path, owner="params") as ledger:
        for index in range(4):
            row = Reservation(index, {"z": 1.0 + index % 2}, 1.0, 1.0, 4.0, 2, "m", ("ada", f"bob{index}"))
            sequence = ledger.reserve("walk", row, float(index))
            if index % 2:
                ledger.commit(sequence, float(index))
    return path


def change(path: Path, *statements: str, values: tuple = ()) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement, values)
    connection.commit()
    connection.close()


def flipped(value: object, position: int) -> object:
    """Flip one bit; an empty text, which has none, becomes another one."""
    if isinstance(value, int):
        return value ^ 64
    content = bytearray(value if isinstance(value, bytes) else str(value).encode()) or bytearray(b"w")
    content[position % len(content)] ^= 1
    return bytes(content) if isinstance(value, bytes) else content.decode()


def assert_refused(path: Path) -> None:
    with pytest.raises(LedgerTamperedError, match="in its place"):
        Ledger.open(path, owner="params")
    assert not verify(path).is_sound


def cells(path: Path) -> list[tuple[str, str, int]]:
    connection = sqlite3.connect(path)
    counts = {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COLUMNS}
    connection.close()
    return [(t, column, row) for t, columns in COLUMNS.items() for column in columns for row in range(counts[t])]


def test_a_flipped_bit_in_any_column_of_any_row_is_refused(sound: Path) -> None:
    choose = random.Random(4)
    spoilt = sound.with_name("spoilt")

    for table, column, row in cells(sound):
        shutil.copy(sound, spoilt)
        connection = sqlite3.connect(spoilt)
        keys = "kind, run, key" if table == "total" else "sequence"
        old = connection.execute(f"SELECT {column}, {keys} FROM {table} LIMIT 1 OFFSET {row}").fetchone()
        where = " AND ".join(f"{key} = ?" for key in keys.split(", "))
        new = flipped(old[0], choose.randrange(1000))
        connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", (new, *old[1:]))
        connection.commit()
        connection.close()

        with pytest.raises(LedgerTamperedError):
            Ledger.open(spoilt, owner="params")
        assert not verify(spoilt).is_sound, (table, column, row)


@pytest.mark.parametrize(
    "statements",
    [
        ("DELETE FROM entry WHERE sequence = 3",),
        ("DELETE FROM entry WHERE sequence = 1",),
        ("DELETE FROM entry WHERE sequence = (SELECT max(sequence) FROM entry)",),
        ("DELETE FROM entry",),
        ("DELETE FROM cohort WHERE sequence = 2",),
        ("DELETE FROM total WHERE kind = 'client' AND key = 'ada'",),
        ("DELETE FROM total",),
        ("INSERT INTO total VALUES ('uncommitted', 'walk', '99', '1')",),
        ("INSERT INTO cohort VALUES (99, X'5B5D')",),
        ("INSERT INTO entry SELECT 8, body, cohort_digest, digest FROM entry WHERE sequence = 7",),
        ("UPDATE entry SET sequence = -2 WHERE sequence = 2", "UPDATE entry SET sequence = 2 WHERE sequence = 3",
         "UPDATE entry SET sequence = 3 WHERE sequence = -2"),
        ("UPDATE total SET value = '1' WHERE kind = 'charge'",),
        ("DROP TABLE cohort",),
        ("DROP TABLE total",),
    ],
    ids=str,
)  # fmt: skip
def test_rows_and_counters_that_are_removed_added_or_exchanged_are_refused(sound: Path, statements) -> None:
    change(sound, *statements)

    assert_refused(sound)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:5000]), id="cut off"),
        pytest.param(lambda path: path.write_bytes(bytes(8192)), id="zeros"),
        pytest.param(lambda path: path.write_bytes(b"no ledger at all" * 300), id="another file"),
        pytest.param(lambda path: change(path, "PRAGMA application_id = 7"), id="another database"),
    ],
)
def test_a_file_that_is_no_whole_ledger_is_refused_and_not_begun_anew(sound: Path, spoil: Callable) -> None:
    spoil(sound)

    assert_refused(sound)


def test_a_later_format_is_refused_by_name(sound: Path) -> None:
    change(sound, "PRAGMA user_version = 2")

    with pytest.raises(DataLossError, match="format 2, known: 1"):
        Ledger.open(sound, owner="params")


def what_it_says(ledger: Ledger) -> tuple:
    return ledger.charges("walk"), ledger.participations("walk"), ledger.run("walk"), ledger.uncommitted()


def test_a_byte_changed_anywhere_in_the_file_is_refused_or_changes_nothing(sound: Path) -> None:
    choose = random.Random(7)
    content = sound.read_bytes()
    spoilt = sound.with_name("spoilt")
    shutil.copy(sound, spoilt)
    with Ledger.open(spoilt, owner="params") as ledger:
        truth = what_it_says(ledger)
    num_refused = 0

    for _ in range(150):
        position = choose.randrange(len(content))
        # Half of the file is unused space: look for bytes that say something.
        while not content[position]:
            position = choose.randrange(len(content))
        changed = bytearray(content)
        changed[position] ^= 1 << choose.randrange(8)
        spoilt.write_bytes(changed)
        try:
            with Ledger.open(spoilt, owner="params") as ledger:
                assert what_it_says(ledger) == truth
        except HeronryError:
            num_refused += 1
        for leftover in spoilt.parent.glob("spoilt-*"):
            leftover.unlink()

    assert num_refused > 100


def test_an_export_stops_at_the_row_that_does_not_follow(sound: Path) -> None:
    change(sound, "UPDATE entry SET body = CAST(replace(body, 'walk', 'talk') AS BLOB) WHERE sequence = 4")
    with sound.with_name("out").open("w") as out, pytest.raises(LedgerTamperedError, match="row 4"):
        export(sound, out)

    assert len(sound.with_name("out").read_text().splitlines()) == 3
    assert verify(sound).head.sequence == 3
