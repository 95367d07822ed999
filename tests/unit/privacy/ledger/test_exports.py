"""An export is enough for anybody to repeat the chain, with SHA-256 and JSON alone."""

import hashlib
import json
import secrets
from pathlib import Path

import pytest

from heronry.privacy.ledger import Ledger, Reservation, export, verify
from heronry.types.errors import NotFoundError


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def test_the_chain_is_repeated_from_an_export(path: Path) -> None:
    with Ledger.open(path, owner="params") as ledger:
        row = Reservation(3, {"z": 0.1}, 1.5, 0.1, 4.0, 2, "gaussian/1", ("zoë", "ada"))
        ledger.commit(ledger.reserve("walk", row, 12.5), 13.5)
        head = ledger.head
    with path.with_name("out").open("w") as out:
        num_rows = export(path, out)
    lines = [json.loads(line) for line in path.with_name("out").read_text().splitlines()]

    digest = hashlib.sha256(b"heronry privacy ledger, format 1").digest()
    for line in lines:
        names = line["participants"]
        cohort = hashlib.sha256(canonical(names)).digest() if names else bytes(32)
        digest = hashlib.sha256(digest + cohort + canonical(line["row"])).digest()
        assert (line["cohort_digest"], line["digest"]) == (cohort.hex(), digest.hex())

    assert (num_rows, len(lines), digest) == (3, 3, head.digest)
    assert lines[1]["participants"] == ["ada", "zoë"]
    assert lines[1]["row"].items() >= {"run": "walk", "round_id": 3, "clipping_norm": 1.5, "time_s": 12.5}.items()


def sum_of(*entries: tuple[str, str, str, str]) -> str:
    numbers = (
        int.from_bytes(hashlib.shake_128("".join(f"{len(p)}:{p}" for p in entry).encode()).digest(256))
        for entry in entries
    )
    return hashlib.sha256((sum(numbers) % 2**2048).to_bytes(256)).hexdigest()


def test_every_row_carries_the_digest_of_the_totals_after_it(path: Path) -> None:
    owner = ("epoch", "", "", '[1,"params"]')
    spent = (
        ("run", "walk", "", "[1,false]"),
        ("charge", "walk", '{"z":0.1}', "1"),
        ("client", "walk", "ada", "[1,1]"),
    )
    with Ledger.open(path, owner="params") as ledger:
        row = Reservation(3, {"z": 0.1}, 1.5, 0.1, 4.0, 1, "gaussian/1", ("ada",))
        ledger.commit(ledger.reserve("walk", row, 12.5), 13.5)

    with path.with_name("out").open("w") as out:
        export(path, out)

    rows = [json.loads(line)["row"] for line in path.with_name("out").read_text().splitlines()]
    assert [row["totals"] for row in rows] == [
        sum_of(owner),
        sum_of(owner, *spent, ("uncommitted", "walk", "2", "3")),
        sum_of(owner, *spent),
    ]


def test_the_bytes_of_the_first_format_stay_as_they_are(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda num_bytes: "5a" * num_bytes)
    with Ledger.open(path, owner="params") as ledger:
        row = Reservation(3, {"z": 0.1}, 1.5, 0.1, 4.0, 2, "gaussian/1", ("zoë", "ada"))
        ledger.commit(ledger.reserve("walk", row, 12.5), 13.5)

        assert ledger.head.digest.hex() == "0e5083faa49aa52fafd89122c319d91fb16d6cd4f3d956c5cdb7356223ea3613"


@pytest.mark.parametrize("read", [verify, lambda path: export(path, None)])
def test_a_ledger_that_is_not_there_is_not_made(path: Path, read) -> None:
    with pytest.raises(NotFoundError, match="no ledger"):
        read(path)

    assert not path.exists()
