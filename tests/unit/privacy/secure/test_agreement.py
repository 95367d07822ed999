"""Keys: the published exchange, one key for one purpose, shares that one reader can open."""

import hashlib
import hmac

import pytest

from heronry.privacy.secure.agreement import KeyPair, is_usable_key, pairwise_mask, seal, self_mask, unseal

_VIEW = bytes(range(32))
# RFC 7748, section 6.1.
_BOB = KeyPair(bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
_BOB_PUBLIC = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
_ALICE_PUBLIC = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
_AGREED = bytes.fromhex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")


def _digest(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(len(p).to_bytes(8, "little") + p for p in (b"heronry.secure.v1", *parts))).digest()


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869, for one block."""
    pseudorandom = hmac.digest(salt, secret, "sha256")
    return hmac.digest(pseudorandom, info + b"\x01", "sha256")


def test_keys_agree_as_published() -> None:
    assert _BOB.public_bytes == _BOB_PUBLIC
    assert _BOB.agreed(_ALICE_PUBLIC) == _AGREED


def test_masks_are_derived_as_the_first_version_does() -> None:
    pairwise = _hkdf(_AGREED, _VIEW, _digest(b"pairwise mask", b"alice", b"bob"))
    own = _hkdf(b"s" * 32, _VIEW, _digest(b"self mask", b"bob"))

    assert pairwise_mask(_BOB, "bob", _ALICE_PUBLIC, "alice", _VIEW).key == pairwise
    assert self_mask(b"s" * 32, "bob", _VIEW).key == own


def test_the_lower_id_adds_what_the_higher_one_subtracts() -> None:
    alice, bob = KeyPair.fresh(), KeyPair.fresh()

    hers = pairwise_mask(alice, "alice", bob.public_bytes, "bob", _VIEW)
    his = pairwise_mask(bob, "bob", alice.public_bytes, "alice", _VIEW)

    assert hers.is_added
    assert his == hers.undone()


def test_a_sealed_share_opens_for_its_reader_in_its_round_and_direction_alone() -> None:
    alice, bob, eve = KeyPair.fresh(), KeyPair.fresh(), KeyPair.fresh()
    sealed = seal(alice, "alice", bob.public_bytes, "bob", _VIEW, b"share")

    assert unseal(bob, "bob", alice.public_bytes, "alice", _VIEW, sealed) == b"share"
    assert unseal(eve, "bob", alice.public_bytes, "alice", _VIEW, sealed) is None
    assert unseal(bob, "bob", alice.public_bytes, "alice", bytes(32), sealed) is None
    assert unseal(alice, "alice", bob.public_bytes, "bob", _VIEW, sealed) is None
    assert unseal(bob, "bob", alice.public_bytes, "alice", _VIEW, bytes([sealed[0] ^ 1]) + sealed[1:]) is None


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(32), (1).to_bytes(32, "little"), "k" * 32, None])
def test_keys_that_give_a_secret_that_everybody_knows_are_told(key) -> None:
    assert not is_usable_key(key, _BOB)


def test_a_pair_is_made_again_from_its_private_bytes() -> None:
    pair = KeyPair.fresh()

    assert KeyPair(pair.private_bytes()).public_bytes == pair.public_bytes
