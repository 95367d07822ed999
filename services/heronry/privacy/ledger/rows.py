"""Rows of the ledger, their canonical bytes and the chain of their digests.

A row's body is canonical JSON: keys sorted, no spaces, ASCII. These bytes are what is stored, so that a row is
checked without being parsed. Its digest is

    SHA-256(digest of the row before | SHA-256(participants) or 32 zero bytes | body)

and the first row follows `GENESIS`. Anybody can repeat this from an export.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heronry.types.errors import InvalidArgumentError

Document = Mapping[str, object]

GENESIS = hashlib.sha256(b"heronry privacy ledger, format 1").digest()
NO_COHORT = bytes(32)


@dataclass(frozen=True)
class Head:
    """The newest row's number and digest: who knows it can tell a ledger that was put back or rewritten.

    Attributes:
      sequence: of the row; 0 before the first.
      digest: 32 bytes, of the chain up to and with that row.
    """

    sequence: int
    digest: bytes

    def __str__(self) -> str:
        return f"row {self.sequence} ({self.digest.hex()[:12]})"


@dataclass(frozen=True)
class Reservation:
    """One release, as it is paid for before its noise is drawn.

    Attributes:
      round_id: the round that is released.
      event: what it costs, as a JSON document; None where it was paid before (a release of a paid horizon).
      clipping_norm: the bound C on one contribution.
      noise_multiplier: standard deviation of the noise over the sensitivity.
      denominator: the public constant D.
      num_participants: contributions in it.
      mechanism: name and version of what makes it.
      participants: client identities, each once; empty where no client is charged for itself.
      is_void: its noise can be guessed (a deterministic test mode); the whole run's claim is then void.
    """

    round_id: int
    event: Document | None
    clipping_norm: float
    noise_multiplier: float
    denominator: float
    num_participants: int
    mechanism: str
    participants: Sequence[str] = ()
    is_void: bool = False

    def __post_init__(self) -> None:
        for name in ("clipping_norm", "noise_multiplier", "denominator"):
            value: float = getattr(self, name)
            if not math.isfinite(value) or value < 0:
                raise InvalidArgumentError.of(f"reservation.{name}", value, "at least 0, finite")
        _check_participants(self.participants, self.num_participants)


def _check_participants(participants: Sequence[str], num_participants: int) -> None:
    if num_participants < 0:
        raise InvalidArgumentError.of("reservation.num_participants", num_participants, "at least 0")
    if participants and len(participants) != num_participants:
        allowed = f"{num_participants} of them (num_participants), or none"
        raise InvalidArgumentError.of("reservation.participants", len(participants), allowed)
    check_names("reservation.participants", participants)
    if len(set(participants)) != len(participants):
        twice = sorted(client for client, count in Counter(participants).items() if count > 1)
        raise InvalidArgumentError.of("reservation.participants", twice[:4], "each client once in a release")


def check_names(field: str, names: Sequence[str]) -> None:
    """Refuse empty names and those that are no UTF-8 text: they could not be stored and read back."""
    for name in names:
        try:
            is_text = bool(name.encode())
        except UnicodeEncodeError:
            is_text = False
        if not is_text:
            raise InvalidArgumentError.of(field, name, "a name in UTF-8, not empty")


def canonical(value: object) -> bytes:
    """Return the one JSON text that stands for `value`, as bytes; NaN and infinities are refused."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError.of("ledger row", value, f"a JSON document ({error})") from error


def reservation_body(reservation: Reservation) -> dict[str, object]:
    """Return the fields of a reservation's row, without the participants: these have a table of their own."""
    return {
        "round_id": reservation.round_id,
        "event": None if reservation.event is None else dict(reservation.event),
        "clipping_norm": reservation.clipping_norm,
        "noise_multiplier": reservation.noise_multiplier,
        "denominator": reservation.denominator,
        "num_participants": reservation.num_participants,
        "mechanism": reservation.mechanism,
        "is_void": reservation.is_void,
    }


def cohort_bytes(participants: Sequence[str]) -> bytes | None:
    """Return the sorted list of participants as JSON; None without any."""
    return canonical(sorted(participants)) if participants else None


def cohort_digest(cohort: bytes | None) -> bytes:
    """Return what binds a release's participants to its row."""
    return NO_COHORT if cohort is None else hashlib.sha256(cohort).digest()


def row_digest(previous: bytes, cohort: bytes, body: bytes) -> bytes:
    """Return the digest of a row from that of the row before, that of its participants and its body."""
    return hashlib.sha256(previous + cohort + body).digest()
