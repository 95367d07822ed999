"""Guards of a service's private models: one ledger, opened when the first of them needs it."""

from pathlib import Path
from typing import Final, Protocol

from heronry.params.core.private.claim import Claim
from heronry.params.core.private.guard import Guard
from heronry.params.core.private.keys import NoiseKeys
from heronry.privacy.ledger import Head, Ledger

LEDGER: Final = "privacy.sqlite"


class Guards(Protocol):
    """Makes the guard of a model."""

    def expect(self, sequence: int, digest: bytes) -> None:
        """Take note of a head of the ledger that a checkpoint or journal knows: an older ledger is refused."""

    def close(self) -> None:
        """Let go of the ledger."""

    def of(self, model: str, claim: Claim) -> Guard:
        """Return the guard of a model's claim.

        Raises:
          FailedPreconditionError: there is nowhere to keep a ledger, or another service holds it.
          DataLossError: the ledger was altered, or is older than what the models remember of it.
        """


class FolderGuards:
    """Keeps ledger and keys in a state folder; owned by the models' thread."""

    def __init__(self, folder: Path, owner: str, test_seed: int | None = None) -> None:
        """Take the folder and who is to be named to others that want the ledger."""
        self._folder = folder
        self._owner = owner
        self._keys = NoiseKeys(folder, test_seed)
        self._ledger: Ledger | None = None
        self._expected: Head | None = None

    def expect(self, sequence: int, digest: bytes) -> None:
        """Take note of a head of the ledger; see `Guards.expect`."""
        if self._expected is None or sequence > self._expected.sequence:
            self._expected = Head(sequence, digest)

    def of(self, model: str, claim: Claim) -> Guard:
        """Return the guard of a model's claim; errors as `Guards.of`."""
        if self._ledger is None:
            self._ledger = Ledger.open(self._folder / LEDGER, owner=self._owner, expected=self._expected)
        return Guard(model, claim, self._ledger, self._keys)

    def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None
