"""What a round's server and clients tell each other, in order.

The sender's identity is no part of a message: the transport knows it, by certificate or token. Vectors are
`[P]`, P parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from heronry.types.secure_rounds import RoundParameters, digest_of

PUBLIC_KEY_BYTES: Final = 32
SEALED_BYTES: Final = 148
"""Two shares of 66 bytes and the tag of the cipher."""

Words = npt.NDArray[np.uint32]
Sums = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AdvertisedKeys:
    """From a client: its public keys, X25519, made for this round alone.

    Attributes:
      sealing_key: 32 bytes; shares meant for the client are sealed with it.
      mask_key: 32 bytes; pairwise masks come from it.
    """

    sealing_key: bytes
    mask_key: bytes


@dataclass(frozen=True)
class Roster:
    """To every client that advertised keys: the keys of all of them, itself included, by client id."""

    keys: Mapping[str, AdvertisedKeys]

    def digest(self, parameters: RoundParameters) -> bytes:
        """Return 32 bytes that stand for this view of the round; every derived key is bound to it."""
        rows = ((member.encode(), keys.sealing_key, keys.mask_key) for member, keys in sorted(self.keys.items()))
        return digest_of("roster", parameters.digest(), *(part for row in rows for part in row))


@dataclass(frozen=True)
class SealedShares:
    """From a client: its shares of its secrets.

    Attributes:
      seed_digest: 32 bytes; they tell a right self-mask seed from a wrong one, and nothing else of it.
      sealed: for each other client of the roster 148 bytes that it alone can open.
    """

    seed_digest: bytes
    sealed: Mapping[str, bytes]


@dataclass(frozen=True)
class RelayedShares:
    """To every client that shared: what the others sealed for it, 148 bytes by the sender's id.

    Attributes:
      sharers: all whose shares have arrived, ascending, the recipient included: who is masked against whom.
      sealed: of each of them but the recipient.
    """

    sharers: tuple[str, ...]
    sealed: Mapping[str, bytes]


@dataclass(frozen=True, eq=False)
class MaskedInput:
    """From a client: its vector on the grid, with noise and masks; alone it is uniform to all who lack the masks.

    Attributes:
      words: [P] uint32.
    """

    words: Words


@dataclass(frozen=True)
class UnmaskRequest:
    """To every survivor: whose self-mask shares and whose key shares are needed.

    Attributes:
      survivors: whose masked input has arrived, ascending.
      dropped: the other sharers, ascending.
    """

    survivors: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class RevealedShares:
    """From a survivor: one share of one secret of each client, 66 bytes; a share that could not be opened is left out.

    Attributes:
      seed_shares: of the survivors' self-mask seeds.
      key_shares: of the dropped clients' private mask keys.
    """

    seed_shares: Mapping[str, bytes]
    key_shares: Mapping[str, bytes]


@dataclass(frozen=True, eq=False)
class SecureSum:
    """What a round gives: all that the server learns of the vectors.

    Attributes:
      total: [P] int64, in grid steps, noise included.
      survivors: who is in it, ascending.
      dropped: who shared and is not.
    """

    total: Sums
    survivors: tuple[str, ...]
    dropped: tuple[str, ...]
