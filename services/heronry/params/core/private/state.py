"""What of a private model must outlive the process besides the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateState:
    """The place in the mechanism; secret in part, and written wherever the model's values are.

    Attributes:
      clipping_norm: of the release that is open.
      horizon: the ledger's sequence at which the horizon was paid for; 0: none is.
      release: index of the open release in its horizon.
      sealed_keys: keys of the horizon's noise, each with the first row that it is for, encrypted by the service's key
        file; empty without correlated noise.
      strategy: the matrix in force, as a document: another build might fit another one.
      ledger_sequence, ledger_digest: the ledger's head when this was written: an older ledger is refused.
    """

    clipping_norm: float
    horizon: int = 0
    release: int = 0
    sealed_keys: tuple[tuple[int, bytes], ...] = ()
    strategy: Mapping[str, object] | None = None
    ledger_sequence: int = 0
    ledger_digest: bytes = b""
