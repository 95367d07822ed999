"""Guards of a service's private models: one ledger, opened when the first of them needs it."""

from pathlib import Path
from typing import Final, Protocol

from heronry.params.core.private.claim import Claim
from heronry.params.core.private.guard import Guard
from heronry.params.core.private.keys import NoiseKeys
from heronry.privacy.ledger import Head, Ledger
from heronry.types.errors import FailedPreconditionError

LEDGER: Final = "privacy.sqlite"


class Guards(Protocol):
    """Makes the guard of a model."""

    def expect(self, sequence: int, digest: bytes) -> None:
        """Take note of a head of the ledger that a checkpoint or journal knows: an older ledger is refused."""

    @property
    def head(self) -> Head | None:
        """The newest head that is known of; None when there never was a ledger."""

    def check_unclaimed(self, model: str) -> None:
        """Refuse a name that the ledger holds a claim of for a model without one.

        Raises:
          FailedPreconditionError: its values would be published as they are under the claim's name.
          DataLossError: as `of`.
        """

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

    def __init__(
        self, folder: Path, owner: str, test_seed: int | None = None, *, is_authenticated: bool = False
    ) -> None:
        """Take the folder, who is to be named to others that want the ledger, and whether clients have tokens."""
        self._is_authenticated = is_authenticated
        self._folder = folder
        self._owner = owner
        self._keys = NoiseKeys(folder, test_seed)
        self._ledger: Ledger | None = None
        self._expected: Head | None = None

    def expect(self, sequence: int, digest: bytes) -> None:
        """Take note of a head of the ledger; see `Guards.expect`."""
        if self._expected is None or sequence > self._expected.sequence:
            self._expected = Head(sequence, digest)

    @property
    def head(self) -> Head | None:
        """The newest head that is known of; see `Guards.head`."""
        return self._expected if self._ledger is None else self._ledger.head

    def check_unclaimed(self, model: str) -> None:
        """Refuse a name with a claim; see `Guards.check_unclaimed`."""
        if self.head is None and not (self._folder / LEDGER).exists():
            return
        if any(run.startswith(f"{model}/claim-") for run in self._opened().runs()):
            allowed = "a claim (the ledger holds one of a model of this name), or another name"
            details = {"field": "privacy", "value": "none", "allowed": allowed}
            raise FailedPreconditionError(f"privacy: got none for model {model!r}, allowed: {allowed}", details=details)

    def of(self, model: str, claim: Claim) -> Guard:
        """Return the guard of a model's claim; errors as `Guards.of`."""
        return Guard(model, claim, self._opened(), self._keys, is_authenticated=self._is_authenticated)

    def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def _opened(self) -> Ledger:
        if self._ledger is None:
            self._ledger = Ledger.open(self._folder / LEDGER, owner=self._owner, expected=self._expected)
        return self._ledger
