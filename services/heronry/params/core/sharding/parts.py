"""Parts of contributions that wait for the round that counts them."""

import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from heronry.params.core.layout import Vector
from heronry.params.core.rounds import Place
from heronry.types.contribution import ContributionKind
from heronry.types.errors import ResourceExhaustedError
from heronry.types.tensors import Array

PartKey = tuple[str, str]
_RETRY_AFTER_S = 0.2
_OPERATOR = ""


def rollback_key(request_id: str) -> PartKey:
    """Return what the values are held under that a rollback goes back to: no client has that name."""
    return _OPERATOR, request_id


@dataclass(frozen=True, eq=False)
class Part:
    """One contribution's values at one shard.

    Attributes:
      base_number: the version it was computed at; numbers mean the same at every shard.
      values: `[P]`, decoded; never written to.
      others: the tensors that are not learnt.
      largest: the largest magnitude in `values`; finite.
      squared_norm: the sum of squares of `values`.
      place: of its record in the journal.
      is_held: the values lie in memory, not in a file.
      restores: the version that a rollback goes back to has these values; 0: no rollback does.
    """

    client_id: str
    request_id: str
    base_number: int
    kind: ContributionKind
    values: Vector
    others: Mapping[str, Array]
    largest: float
    squared_norm: float
    place: Place | None = None
    is_held: bool = True
    restores: int = 0

    @property
    def key(self) -> PartKey:
        """What rounds name it by."""
        return self.client_id, self.request_id

    @property
    def num_bytes(self) -> int:
        """Memory it takes."""
        return self.values.nbytes + sum(values.nbytes for values in self.others.values())


class WaitingParts:
    """Holds parts in order of arrival; lookups are O(1).

    Values are held in memory up to a bound of bytes, and beyond it in files that nothing outlives.
    """

    def __init__(self, max_parts: int, max_held_bytes: int, spill_dir: Path) -> None:
        self._max_parts = max_parts
        self._max_held_bytes = max_held_bytes
        self._spill_dir = spill_dir
        self._parts: OrderedDict[PartKey, Part] = OrderedDict()
        self._held: dict[PartKey, int] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def __contains__(self, key: PartKey) -> bool:
        return key in self._parts

    def hold(self, max_parts: int) -> None:
        """Let as many parts wait from now on; those that wait stay."""
        self._max_parts = max_parts

    @property
    def num_held_bytes(self) -> int:
        """Bytes of values in memory."""
        return sum(self._held.values())

    def check_room(self) -> None:
        """Refuse a part when too many wait.

        Raises:
          ResourceExhaustedError: try again when rounds have closed.
        """
        if len(self._parts) >= self._max_parts:
            allowed = f"at most {self._max_parts}"
            message = (
                f"waiting_parts: got {len(self._parts)}, allowed: {allowed}, waiting for rounds of the first shard"
            )
            details = {"resource": "waiting_parts", "value": str(len(self._parts)), "allowed": allowed}
            raise ResourceExhaustedError(message, details=details, retry_after_s=_RETRY_AFTER_S)

    def prepare(self, part: Part) -> Part:
        """Return a part as it is to be put: its values in a file when memory holds too many.

        Raises:
          ResourceExhaustedError: the file cannot be written.
        """
        if not (self._held and part.values.size) or self.num_held_bytes + part.num_bytes <= self._max_held_bytes:
            return part
        try:
            return replace(part, values=_spilled(part.values, self._spill_dir), is_held=False)
        except OSError as error:
            message = f"spill: {error.strerror}"
            raise ResourceExhaustedError(
                message, details={"resource": "spill"}, retry_after_s=_RETRY_AFTER_S
            ) from error

    def put(self, part: Part) -> None:
        """Take in a prepared part that is not here yet; cannot fail."""
        self._parts[part.key] = part
        if part.is_held:
            self._held[part.key] = part.num_bytes

    def find(self, key: PartKey) -> Part | None:
        """Return a part; None when it has not come."""
        return self._parts.get(key)

    def discard(self, key: PartKey) -> None:
        """Let go of a part, if it is here."""
        self._parts.pop(key, None)
        self._held.pop(key, None)

    def discard_before(self, base_number: int) -> int:
        """Let go of the parts of older bases; return how many."""
        keys = [key for key, part in self._parts.items() if part.base_number < base_number]
        for key in keys:
            self.discard(key)
        return len(keys)

    @property
    def base_numbers(self) -> list[int]:
        """The versions that weights which wait were computed at."""
        kept = (part for part in self._parts.values() if part.kind is ContributionKind.WEIGHTS)
        return sorted({part.base_number for part in kept})

    @property
    def began(self) -> Place | None:
        """Where the record of the oldest part lies: journals from there on are needed; None without parts."""
        return next((part.place for part in self._parts.values()), None)


def _spilled(values: Vector, folder: Path) -> Vector:
    """Return values as a view of a file, which is gone when nothing refers to them."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(values.data)
        file.flush()
        return np.asarray(np.memmap(file, values.dtype, "r", shape=values.shape))
