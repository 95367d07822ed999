"""Shamir's laws: enough shares give the secret, fewer say nothing of it."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heronry.privacy.secure import shamir


def _is_probable_prime(number: int) -> bool:
    """Lucas and Lehmer's test of 2^521 - 1: exact."""
    exponent = number.bit_length()
    residue = 4
    for _ in range(exponent - 2):
        residue = (residue * residue - 2) % number
    return residue == 0


def test_the_modulus_is_a_prime() -> None:
    assert _is_probable_prime(shamir.PRIME)


@given(
    secret=st.binary(min_size=32, max_size=32),
    sizes=st.integers(1, 6).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n))),
)
@settings(max_examples=30)
def test_any_shares_that_are_enough_give_the_secret(secret: bytes, sizes: tuple[int, int]) -> None:
    num_shares, threshold = sizes
    shares = dict(enumerate(shamir.split(secret, num_shares, threshold), start=1))

    for points in combinations(shares, threshold):
        assert shamir.combine(shares, shamir.weights_at_zero(points)) == secret


@given(
    secret=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32), threshold=st.integers(2, 6)
)
@settings(max_examples=30)
def test_shares_too_few_by_one_are_consistent_with_any_secret(secret: bytes, other: bytes, threshold: int) -> None:
    known = dict(enumerate(shamir.split(secret, threshold, threshold)[:-1], start=1))

    # The share at the last point that would make the known ones give the other secret: there is exactly one.
    weights = shamir.weights_at_zero(range(1, threshold + 1))
    rest = sum(weights[point] * int.from_bytes(share, "little") for point, share in known.items())
    last = (int.from_bytes(other, "little") - rest) * pow(weights[threshold], -1, shamir.PRIME) % shamir.PRIME

    forged = {**known, threshold: last.to_bytes(shamir.SHARE_BYTES, "little")}
    assert shamir.combine(forged, weights) == other


def test_two_splits_of_a_secret_have_no_share_in_common() -> None:
    assert not set(shamir.split(bytes(32), 5, 3)) & set(shamir.split(bytes(32), 5, 3))


def test_a_wrong_share_gives_no_secret_or_another_one() -> None:
    shares = dict(enumerate(shamir.split(b"s" * 32, 3, 2), start=1))
    weights = shamir.weights_at_zero((1, 2))

    assert shamir.combine({**shares, 2: shares[3]}, weights) != b"s" * 32


@pytest.mark.parametrize(
    ("secret", "num_shares", "threshold"), [(b"short", 3, 2), (bytes(32), 3, 4), (bytes(32), 3, 0)]
)
def test_what_cannot_be_split_is_refused(secret: bytes, num_shares: int, threshold: int) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        shamir.split(secret, num_shares, threshold)
