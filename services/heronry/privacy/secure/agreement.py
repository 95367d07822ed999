"""Keys of a round: X25519 pairs, keys derived from them for one purpose, shares sealed for one reader.

What binds a public key to a client is the transport (TLS, tokens): nothing here is signed.

Source: RFC 7748 (X25519), RFC 5869 (HKDF), RFC 8439, section 2.8 (ChaCha20-Poly1305).
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from heronry.privacy.secure.masks import KEY_BYTES, Mask
from heronry.types.secure_rounds import digest_of

# Every sealing key seals one message: each direction of each pair has its own.
_NONCE: Final = bytes(12)


class KeyPair:
    """A private key and its public one. Hold it for one round."""

    def __init__(self, private_bytes: bytes) -> None:
        self._private = X25519PrivateKey.from_private_bytes(private_bytes)
        self.public_bytes = self._private.public_key().public_bytes_raw()

    @classmethod
    def fresh(cls) -> "KeyPair":
        """Return a pair from the operating system's entropy."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def private_bytes(self) -> bytes:
        """Return the 32 secret bytes that the pair can be made from again."""
        return self._private.private_bytes_raw()

    def agreed(self, peer: bytes) -> bytes:
        """Return the secret shared with the holder of a public key.

        Raises:
          ValueError: the peer's key is of low order: the secret would be one that everybody knows.
        """
        return self._private.exchange(X25519PublicKey.from_public_bytes(peer))


def is_usable_key(public_bytes: object, probe: KeyPair) -> bool:
    """Tell whether a public key has the right length and is not of low order, by trying it with any pair."""
    if not isinstance(public_bytes, bytes) or len(public_bytes) != KEY_BYTES:
        return False
    try:
        probe.agreed(public_bytes)
    except ValueError:
        return False
    return True


def pairwise_mask(own: KeyPair, own_id: str, peer: bytes, peer_id: str, view: bytes) -> Mask:
    """Return the mask that `own_id` applies and that its peer undoes: the lower id adds, the higher one subtracts.

    Args:
      own: the mask keys of `own_id`.
      own_id: whose vector it is for.
      peer: the peer's public mask key.
      peer_id: the peer's id; another one.
      view: digest of the roster; whoever saw another one comes to another mask.
    """
    first, second = sorted((own_id, peer_id))
    return Mask(_derived(own.agreed(peer), view, "pairwise mask", first, second), is_added=own_id == first)


def self_mask(seed: bytes, client_id: str, view: bytes) -> Mask:
    """Return the mask that hides a client's vector also when all of its pairwise masks are known."""
    return Mask(_derived(seed, view, "self mask", client_id), is_added=True)


def seal(own: KeyPair, sender: str, peer: bytes, recipient: str, view: bytes, content: bytes) -> bytes:
    """Return `content`, readable for the recipient alone; 16 bytes longer."""
    return _cipher(own, peer, view, sender, recipient).encrypt(_NONCE, content, None)


def unseal(own: KeyPair, recipient: str, peer: bytes, sender: str, view: bytes, sealed: bytes) -> bytes | None:
    """Return what the sender sealed; None when it is not what that sender made for this recipient and this round."""
    try:
        return _cipher(own, peer, view, sender, recipient).decrypt(_NONCE, sealed, None)
    except InvalidTag:
        return None


def seed_digest(seed: bytes, client_id: str, view: bytes) -> bytes:
    """Return what tells a right seed from a wrong one; 256 bits of entropy keep the seed hidden."""
    return digest_of("seed", view, client_id.encode(), seed)


def _cipher(own: KeyPair, peer: bytes, view: bytes, sender: str, recipient: str) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_derived(own.agreed(peer), view, "sealed shares", sender, recipient))


def _derived(secret: bytes, view: bytes, *purpose: str) -> bytes:
    """Return a key for one purpose of one round."""
    info = digest_of(purpose[0], *(name.encode() for name in purpose[1:]))
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=view, info=info).derive(secret)
