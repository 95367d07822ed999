"""What the server checks of clients' messages before they change anything."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from heronry.privacy.secure import shamir
from heronry.privacy.secure.agreement import KeyPair, is_usable_key
from heronry.privacy.secure.masks import KEY_BYTES
from heronry.types.errors import MalformedMessageError
from heronry.types.secure_messages import SEALED_BYTES, AdvertisedKeys, RevealedShares, SealedShares, UnmaskRequest


def check_keys(keys: AdvertisedKeys, known: Iterable[AdvertisedKeys], probe: KeyPair) -> None:
    """Refuse keys that cannot be agreed on, and keys that are there already: every client would refuse the roster."""
    taken = {key for pair in known for key in (pair.sealing_key, pair.mask_key)}
    for field, key in (("sealing_key", keys.sealing_key), ("mask_key", keys.mask_key)):
        if not is_usable_key(key, probe) or key in taken:
            raise MalformedMessageError.of(f"secure.{field}", key, "a key of 32 bytes, not of low order, nobody else's")
        taken.add(key)


def check_shares(shares: SealedShares, readers: Collection[str]) -> None:
    """Refuse shares that are not for every other client of the roster, and lengths that no sealed share has."""
    _check_bytes("secure.seed_digest", shares.seed_digest, KEY_BYTES)
    if shares.sealed.keys() != set(readers):
        allowed = f"shares for the {len(readers)} other clients of the roster"
        raise MalformedMessageError.of("secure.sealed", f"{len(shares.sealed)} shares", allowed)
    for sealed in shares.sealed.values():
        _check_bytes("secure.sealed", sealed, SEALED_BYTES)


def check_words(words: object, num_parameters: int) -> None:
    """Refuse what is not a vector of the round."""
    if not isinstance(words, np.ndarray) or words.dtype != np.uint32 or words.shape != (num_parameters,):
        found = f"{words.dtype} {words.shape}" if isinstance(words, np.ndarray) else type(words).__name__
        raise MalformedMessageError.of("secure.words", found, f"{num_parameters} uint32")


def check_revealed(revealed: RevealedShares, request: UnmaskRequest) -> None:
    """Refuse shares of secrets that were not asked for, and bytes that are no shares."""
    _check_asked("secure.seed_shares", revealed.seed_shares, request.survivors)
    _check_asked("secure.key_shares", revealed.key_shares, request.dropped)


def _check_asked(field: str, shares: Mapping[str, bytes], asked: Iterable[str]) -> None:
    strangers = sorted(shares.keys() - set(asked))
    if strangers:
        raise MalformedMessageError.of(field, strangers, "shares of the clients in the request")
    for share in shares.values():
        if not isinstance(share, bytes) or not shamir.is_share(share):
            raise MalformedMessageError.of(field, share, f"{shamir.SHARE_BYTES} bytes, below 2^521 - 1")


def _check_bytes(field: str, value: object, num_bytes: int) -> None:
    if not isinstance(value, bytes) or len(value) != num_bytes:
        raise MalformedMessageError.of(field, value, f"{num_bytes} bytes")
