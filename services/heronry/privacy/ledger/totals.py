"""What the rows of a ledger add up to: kept beside them, and bound to them by a digest in every row.

Without it a restart would add up the whole history. Were it only stored, whoever edits a counter would give
budget back unseen. So every row carries `Totals.digest` as it is after that row: opening adds up the entries,
O(kinds of event + clients), and compares with the newest row.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from heronry.privacy.ledger.rows import Document, canonical

Key = tuple[str, str, str]  # kind, run, key

# The digest adds up one number an entry, so that a change costs O(1) of them. Numbers of 2048 bits: with n bits
# other entries of the same sum cost about 2^(2 sqrt(n)) to find (Wagner 2002), here 2^90; 256 bits would leave 2^32.
_ITEM_BYTES = 256
_MODULUS = 1 << 8 * _ITEM_BYTES


@dataclass(frozen=True)
class Charge:
    """So many releases that cost the same: `event` is the document that was reserved."""

    event: Document
    count: int


@dataclass(frozen=True)
class Participation:
    """One client's part in a run: `count` releases, the last of them the run's `last_release`-th; 0 for none."""

    count: int = 0
    last_release: int = 0


@dataclass(frozen=True)
class Reserved:
    """A reservation of a run, written by the owner number `epoch`."""

    sequence: int
    run: str
    epoch: int


@dataclass(frozen=True)
class Uncommitted:
    """A reservation whose release is not known to have left; it counts as spent."""

    sequence: int
    run: str
    round_id: int


@dataclass(frozen=True)
class RunTotals:
    """A run in figures: `num_releases` reserved, `num_uncommitted` of them open; `is_void` never turns back."""

    num_releases: int = 0
    num_uncommitted: int = 0
    is_void: bool = False


@dataclass
class Totals:
    """Charges, participations, open reservations and figures of the runs, and the digest of them all."""

    _entries: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _sum: int = 0
    _unsettled: dict[Key, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: Iterable[tuple[str, str, str, str]]) -> "Totals":
        """Take stored entries (kind, run, key, value)."""
        totals = cls()
        for kind, run, key, value in entries:
            totals._entries.setdefault((kind, run), {})[key] = value
            totals._sum += _item((kind, run, key), value)
        totals._sum %= _MODULUS
        return totals

    def entries(self) -> dict[Key, str]:
        """Return everything that is kept."""
        return {(kind, run, key): v for (kind, run), part in self._entries.items() for key, v in part.items()}

    def changes_of_opening(self, epoch: int, owner: str) -> dict[Key, str | None]:
        """Return what a new owner changes."""
        return {("epoch", "", ""): _text([epoch, owner])}

    def changes_of_reservation(
        self, run: str, sequence: int, body: Mapping[str, object], participants: Iterable[str]
    ) -> dict[Key, str | None]:
        """Return what a reservation changes; O(participants)."""
        release = self.run(run).num_releases + 1
        is_void = self.run(run).is_void or bool(body["is_void"])
        changes: dict[Key, str | None] = {
            ("run", run, ""): _text([release, is_void]),
            ("uncommitted", run, str(sequence)): _text(body["round_id"]),
        }
        if body["event"] is not None:
            event = _text(body["event"])
            changes["charge", run, event] = _text(int(self._part("charge", run).get(event, "0")) + 1)
        for client in participants:
            changes["client", run, client] = f"[{self.participation(run, client).count + 1},{release}]"
        return changes

    def changes_of_commit(self, run: str, reserved: int) -> dict[Key, str | None]:
        """Return what a commit changes."""
        return {("uncommitted", run, str(reserved)): None}

    def sum_after(self, changes: Mapping[Key, str | None]) -> int:
        """Return the sum of the entries' numbers as it will be after `changes`."""
        total = self._sum
        for key, value in changes.items():
            old = self._part(key[0], key[1]).get(key[2])
            total -= 0 if old is None else _item(key, old)
            total += 0 if value is None else _item(key, value)
        return total % _MODULUS

    def apply(self, changes: Mapping[Key, str | None], sum_after: int) -> None:
        """Take over `changes`, whose sum is known."""
        for (kind, run, key), value in changes.items():
            part = self._entries.setdefault((kind, run), {})
            if value is None:
                part.pop(key, None)
            else:
                part[key] = value
        self._sum = sum_after

    def take(self, changes: Mapping[Key, str | None]) -> None:
        """Take over `changes`; `digest` adds them to the sum, an entry that changed many times only once."""
        for key in changes:
            self._unsettled.setdefault(key, self._part(key[0], key[1]).get(key[2]))
        self.apply(changes, self._sum)

    @property
    def digest(self) -> str:
        """What a row says of the totals after it, in hexadecimal digits."""
        for key, old in self._unsettled.items():
            new = self._part(key[0], key[1]).get(key[2])
            self._sum += (0 if new is None else _item(key, new)) - (0 if old is None else _item(key, old))
        self._sum %= _MODULUS
        self._unsettled.clear()
        return digest_of_sum(self._sum)

    @property
    def epoch(self) -> tuple[int, str]:
        """The number of the newest owner, and its name."""
        value = self._part("epoch", "").get("")
        number, owner = (0, "") if value is None else json.loads(value)
        return int(number), str(owner)

    def runs(self) -> tuple[str, ...]:
        return tuple(sorted(run for kind, run in self._entries if kind == "run"))

    def run(self, run: str) -> RunTotals:
        """Return a run's figures; zeros for one that has no release."""
        value = self._part("run", run).get("")
        if value is None:
            return RunTotals()
        num_releases, is_void = json.loads(value)
        return RunTotals(int(num_releases), len(self._part("uncommitted", run)), bool(is_void))

    def charges(self, run: str) -> tuple[Charge, ...]:
        return tuple(Charge(json.loads(event), int(n)) for event, n in self._part("charge", run).items())

    def participations(self, run: str) -> dict[str, Participation]:
        return {client: Participation(*json.loads(value)) for client, value in self._part("client", run).items()}

    def participation(self, run: str, client_id: str) -> Participation:
        value = self._part("client", run).get(client_id)
        return Participation() if value is None else Participation(*json.loads(value))

    def uncommitted(self) -> tuple[Uncommitted, ...]:
        """Return the open reservations of all runs, oldest first."""
        found = (
            Uncommitted(int(sequence), run, int(round_id))
            for (kind, run), part in self._entries.items()
            if kind == "uncommitted"
            for sequence, round_id in part.items()
        )
        return tuple(sorted(found, key=lambda reservation: reservation.sequence))

    def run_of_uncommitted(self, sequence: int) -> str | None:
        """Return the run of an open reservation; O(runs)."""
        for (kind, run), part in self._entries.items():
            if kind == "uncommitted" and str(sequence) in part:
                return run
        return None

    def _part(self, kind: str, run: str) -> dict[str, str]:
        return self._entries.get((kind, run), {})


def digest_of_sum(total: int) -> str:
    """Return the digits that a row carries for a sum of entries."""
    return hashlib.sha256(total.to_bytes(_ITEM_BYTES, "big")).hexdigest()


def _item(key: Key, value: str) -> int:
    # Lengths before texts: no two entries give the same bytes.
    kind, run, name = key
    text = f"{len(kind)}:{kind}{len(run)}:{run}{len(name)}:{name}{len(value)}:{value}"
    return int.from_bytes(hashlib.shake_128(text.encode()).digest(_ITEM_BYTES), "big")


def _text(value: object) -> str:
    return canonical(value).decode("ascii")
