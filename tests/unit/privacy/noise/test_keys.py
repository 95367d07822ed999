"""Keys of noise."""

import hashlib
import hmac

import pytest

from heronry.privacy.noise import NoiseKey
from heronry.types.errors import InvalidArgumentError


def test_fresh_keys_differ_and_are_no_test_keys() -> None:
    keys = [NoiseKey.fresh() for _ in range(100)]

    assert len({key.secret for key in keys}) == 100
    assert all(len(key.secret) == 32 for key in keys)
    assert not any(key.is_deterministic for key in keys)


def test_a_seed_makes_one_key_marked_as_known_to_everybody() -> None:
    key = NoiseKey.deterministic(7)

    assert key == NoiseKey.deterministic(7)
    assert key != NoiseKey.deterministic(8)
    assert key.is_deterministic
    assert key.child(b"normals").is_deterministic


def test_a_child_is_the_expansion_of_rfc_5869() -> None:
    key = NoiseKey.fresh()

    expected = hmac.new(key.secret, b"heronry/noise/tree level 3\x01", hashlib.sha256).digest()

    assert key.child(b"tree level 3").secret == expected
    assert not key.child(b"tree level 3").is_deterministic


def test_children_of_unlike_labels_differ() -> None:
    key = NoiseKey.deterministic(1)

    secrets = {child.secret for child in (key, key.child(b"a"), key.child(b"b"), key.child(b"a").child(b"b"))}

    assert len(secrets) == 4


def test_neither_text_nor_errors_show_the_bytes() -> None:
    key = NoiseKey(b"\x41" * 32)

    assert str(key) == repr(key) == "NoiseKey(is_deterministic=False)"
    with pytest.raises(InvalidArgumentError) as error:
        NoiseKey(b"\x41" * 31)
    assert "AAAA" not in str(error.value) + str(error.value.details)


def test_wrong_lengths_labels_and_seeds_are_refused() -> None:
    for secret in (b"", b"x" * 33, bytearray(32), "x" * 32):
        with pytest.raises(InvalidArgumentError):
            NoiseKey(secret)  # type: ignore[arg-type]  # refused
    with pytest.raises(InvalidArgumentError):
        NoiseKey.fresh().child(b"")
    for seed in (-1, 2**64, 1.5):
        with pytest.raises(InvalidArgumentError):
            NoiseKey.deterministic(seed)  # type: ignore[arg-type]  # refused
