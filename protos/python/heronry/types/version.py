"""Names of published parameter values."""

from dataclasses import dataclass

from heronry.types.errors import ForeignEpochError


@dataclass(frozen=True)
class ParameterVersion:
    """One published version; hashes are BLAKE3 (32 bytes, empty when unknown)."""

    epoch: int
    number: int
    content_hash: bytes = b""
    parent_hash: bytes = b""

    def staleness_of(self, base: "ParameterVersion") -> int:
        """Return how many versions `base` lies behind this one.

        Raises:
          ForeignEpochError: the two are of different epochs and cannot be compared.
        """
        if base.epoch != self.epoch:
            allowed = f"{self.epoch} (the model was restored since)"
            raise ForeignEpochError(
                f"base_version.epoch: got {base.epoch}, allowed: {allowed}",
                details={"field": "base_version.epoch", "value": str(base.epoch), "allowed": allowed},
            )
        return self.number - base.number

    def is_newer_than(self, other: "ParameterVersion | None") -> bool:
        """Tell whether this version comes after `other`; a later epoch always does."""
        return other is None or (self.epoch, self.number) > (other.epoch, other.number)

    def has_values_of(self, other: "ParameterVersion") -> bool:
        """Tell whether both name the same values: a restore moves versions to another epoch, values stay."""
        is_known = bool(self.content_hash) or self.epoch == other.epoch
        return is_known and (self.number, self.content_hash) == (other.number, other.content_hash)

    def __str__(self) -> str:
        return f"{self.epoch}.{self.number}"
