"""Keys of the noise: fresh from the operating system, and sealed where they must outlive the process."""

import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from heronry.params.core.durability.files import sync_folder
from heronry.privacy.noise import NoiseKey
from heronry.types.errors import ResourceExhaustedError

_FILE: Final = "noise.key"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class NoiseKeys:
    """Makes keys, and seals those of horizons under a key file that only its owner may read.

    The file lies in the service's state folder and is never copied elsewhere: whoever has a copy of a checkpoint
    without it cannot take the noise away. Without it a horizon cannot be gone on with, and is spent.
    """

    def __init__(self, folder: Path, test_seed: int | None = None) -> None:
        """Take the state folder; with `test_seed` all noise follows from it, and voids every claim."""
        self._path = folder / _FILE
        self._test_seed = test_seed

    @property
    def is_deterministic(self) -> bool:
        """Whether the noise is predictable."""
        return self._test_seed is not None

    def fresh(self, label: str) -> NoiseKey:
        """Return a key; `label` tells the keys of the test mode apart."""
        if self._test_seed is None:
            return NoiseKey.fresh()
        return NoiseKey.deterministic(self._test_seed).child(label.encode())

    def prepare(self) -> None:
        """Make the key file when there is none.

        Raises:
          ResourceExhaustedError: it cannot be written.
        """
        try:
            self._file_key()
        except OSError as error:
            raise ResourceExhaustedError(f"{self._path}: {error.strerror}") from error

    def seal(self, key: NoiseKey, label: str) -> bytes:
        """Encrypt a key, bound to what it is for."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + ChaCha20Poly1305(self._file_key()).encrypt(nonce, key.secret, label.encode())

    def open(self, sealed: bytes, label: str) -> NoiseKey | None:
        """Return a key that was sealed here; None when the key file is gone or another one."""
        if not self._path.exists():
            return None
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return NoiseKey(ChaCha20Poly1305(self._file_key()).decrypt(nonce, content, label.encode()))
        except (InvalidTag, ValueError):
            return None

    def _file_key(self) -> bytes:
        # A file of another length opens nothing any more, like one that is gone.
        if not self._path.exists() or self._path.stat().st_size != _KEY_BYTES:
            partial = self._path.with_suffix(".partial")
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(ChaCha20Poly1305.generate_key())
                file.flush()
                os.fsync(file.fileno())
            partial.rename(self._path)
            sync_folder(self._path.parent)
        return self._path.read_bytes()
