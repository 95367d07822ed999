"""The server's last step: secrets from shares, and the masks that are left in a sum.

Shares are by the point of whom they come from. One that does not fit is found by the secret, which can be checked:
the seeds by their digests, the private keys by the public ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from heronry.privacy.secure import shamir
from heronry.privacy.secure.agreement import KeyPair, pairwise_mask, seed_digest, self_mask
from heronry.privacy.secure.masks import Mask
from heronry.types.errors import RoundAbandonedError
from heronry.types.secure_messages import Roster

Shares = Mapping[int, bytes]


class Unmasking:
    """Finds the masks that a sum of masked inputs still has.

    Args:
      roster: the public keys.
      view: the roster's digest.
      threshold: shares that give a secret.
    """

    def __init__(self, roster: Roster, view: bytes, threshold: int) -> None:
        self._roster = roster
        self._view = view
        self._threshold = threshold
        # The same clients answer for all secrets: their weights are worked out once. O(threshold^2).
        self._weights: dict[tuple[int, ...], dict[int, int]] = {}

    def self_masks(self, digests: Mapping[str, bytes], shares: Mapping[str, Shares]) -> Iterator[Mask]:
        """Yield what takes the survivors' self masks off.

        Raises:
          RoundAbandonedError: no choice of shares gives a seed of the digest that its owner sent.
        """
        for survivor, held in shares.items():
            seed = self._recovered(survivor, held, partial(self._is_seed, survivor, digests[survivor]))
            yield self_mask(seed, survivor, self._view).undone()

    def pairwise_masks(self, survivors: Sequence[str], shares: Mapping[str, Shares]) -> Iterator[Mask]:
        """Yield what takes off the masks that survivors applied against the dropped.

        Raises:
          RoundAbandonedError: no choice of shares gives the private key of a dropped client.
        """
        for dropped, held in shares.items():
            pair = KeyPair(self._recovered(dropped, held, partial(self._is_private_key, dropped)))
            # What the dropped client would have added is the opposite of what the survivor did add.
            yield from (pairwise_mask(pair, dropped, self._roster.keys[s].mask_key, s, self._view) for s in survivors)

    def _recovered(self, owner: str, shares: Shares, is_right: Callable[[bytes], bool]) -> bytes:
        """Return the secret; shares that do not fit are left out if enough others came. O(shares * threshold)."""
        points = sorted(shares)
        # Each window leaves neighbouring points out; a single wrong share, where it can be spared, is in none of some.
        for start in range(len(points) if len(points) > self._threshold else 1):
            window = tuple(sorted((points[start:] + points[:start])[: self._threshold]))
            secret = shamir.combine(shares, self._weights_of(window)) if len(window) == self._threshold else None
            if secret is not None and is_right(secret):
                return secret
        figures = {"shares": len(points), "min_survivors": self._threshold}
        raise RoundAbandonedError.of(
            "unmasking", f"the {len(points)} shares of a secret of {owner!r} do not give it", figures
        )

    def _is_seed(self, owner: str, digest: bytes, secret: bytes) -> bool:
        return seed_digest(secret, owner, self._view) == digest

    def _is_private_key(self, owner: str, secret: bytes) -> bool:
        return KeyPair(secret).public_bytes == self._roster.keys[owner].mask_key

    def _weights_of(self, window: tuple[int, ...]) -> dict[int, int]:
        if window not in self._weights:
            self._weights[window] = shamir.weights_at_zero(window)
        return self._weights[window]
