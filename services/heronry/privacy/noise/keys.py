"""Keys of noise: from the operating system, or known to everybody for tests."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import whole_number

_KEY_BYTES: Final = 32
_DOMAIN: Final = b"heronry/noise/"


@dataclass(frozen=True, slots=True, repr=False)
class NoiseKey:
    """32 bytes that determine noise; whoever knows them can subtract it.

    Neither its text nor its errors show the bytes. One key and stream index make one vector: a second vector from the
    same pair would share its noise, so that their difference had none.
    """

    secret: bytes
    is_deterministic: bool = False
    """Made from a public seed: the noise protects nothing and every claim resting on it is void."""

    def __post_init__(self) -> None:
        if not isinstance(self.secret, bytes) or len(self.secret) != _KEY_BYTES:
            raise InvalidArgumentError.of("secret", "(withheld)", f"{_KEY_BYTES} bytes")

    @classmethod
    def fresh(cls) -> Self:
        """Make a key from the operating system's randomness."""
        return cls(secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def deterministic(cls, seed: int) -> Self:
        """Make the key of a seed of 64 bits, for tests alone; so are its children."""
        seed = whole_number("seed", seed)
        return cls(hashlib.sha256(_DOMAIN + b"deterministic/" + seed.to_bytes(8, "little")).digest(), True)

    def child(self, label: bytes) -> Self:
        """Derive the key for one purpose; neither key tells the other, nor those of other labels.

        Source: RFC 5869, HKDF-Expand with SHA-256: a key is uniform already, so the extraction is left out.
        """
        if not label:
            raise InvalidArgumentError.of("label", label, "at least one byte")
        expand = HKDFExpand(algorithm=SHA256(), length=_KEY_BYTES, info=_DOMAIN + label)
        return type(self)(expand.derive(self.secret), self.is_deterministic)

    def __repr__(self) -> str:
        return f"NoiseKey(is_deterministic={self.is_deterministic})"
