"""What of a private model must outlive the process besides the ledger."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PrivateState:
    """The place in the mechanism; secret in part, and written wherever the model's values are.

    Attributes:
      clipping_norm: of the release that is open.
      horizon: the ledger's sequence at which the horizon was paid for; 0: none is.
      release: index of the open release in its horizon.
      sealed_key: key of the horizon's noise, encrypted by the service's key file; empty without correlated noise.
      ledger_sequence, ledger_digest: the ledger's head when this was written: an older ledger is refused.
    """

    clipping_norm: float
    horizon: int = 0
    release: int = 0
    sealed_key: bytes = b""
    ledger_sequence: int = 0
    ledger_digest: bytes = b""
