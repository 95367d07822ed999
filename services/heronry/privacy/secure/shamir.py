"""Shamir's secret sharing: any `threshold` shares give the secret, fewer are consistent with every secret.

A share is the value at a point of a random polynomial over GF(2^521 - 1) whose value at 0 is the secret. The prime is
a Mersenne prime, so that anybody can check it, and wider than a secret of 256 bits. A share does not say whether it is
right: who combines must be able to check the secret.

Source: Shamir 1979, "How to share a secret".
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

PRIME: Final = 2**521 - 1
SECRET_BYTES: Final = 32
SHARE_BYTES: Final = 66


def split(secret: bytes, num_shares: int, threshold: int) -> list[bytes]:
    """Return the shares of points 1 to `num_shares`. O(num_shares * threshold).

    Raises:
      ValueError: another length of secret, or a threshold outside 1 to `num_shares`.
    """
    if len(secret) != SECRET_BYTES or not 1 <= threshold <= num_shares:
        raise ValueError(f"cannot split {len(secret)} bytes into {num_shares} shares of threshold {threshold}")
    coefficients = [secrets.randbelow(PRIME) for _ in range(threshold - 1)] + [int.from_bytes(secret, "little")]
    return [_value_at(point, coefficients).to_bytes(SHARE_BYTES, "little") for point in range(1, num_shares + 1)]


def weights_at_zero(points: Iterable[int]) -> dict[int, int]:
    """Return Lagrange's weights, by point, that make the value at 0 of the values there; points are distinct, not 0."""
    known = tuple(points)
    weights = {}
    for point in known:
        above = below = 1
        for other in known:
            if other != point:
                above = above * other % PRIME
                below = below * (other - point) % PRIME
        weights[point] = above * pow(below, -1, PRIME) % PRIME
    return weights


def combine(shares: Mapping[int, bytes], weights: Mapping[int, int]) -> bytes | None:
    """Return the secret of the shares, by point; None when what they give is too large for one.

    Args:
      shares: of all points that have a weight.
      weights: of as many points as the threshold, by `weights_at_zero`.
    """
    value = sum(weight * int.from_bytes(shares[point], "little") for point, weight in weights.items()) % PRIME
    return value.to_bytes(SECRET_BYTES, "little") if value < 1 << 8 * SECRET_BYTES else None


def is_share(share: bytes) -> bool:
    """Tell whether bytes are an element of the field."""
    return len(share) == SHARE_BYTES and int.from_bytes(share, "little") < PRIME


def _value_at(point: int, coefficients: Sequence[int]) -> int:
    """Return the polynomial's value by Horner's rule; the highest coefficient comes first."""
    value = 0
    for coefficient in coefficients:
        value = (value * point + coefficient) % PRIME
    return value
