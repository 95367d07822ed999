"""What a round of secure aggregation is about: public, the same for all who take part."""

import hashlib
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from heronry.types.errors import InvalidArgumentError
from heronry.types.field_checks import checked_name, checked_names, finite_number, number_from_zero, whole_number

MODULUS_BITS: Final = 32
"""Of the sums. Half the bytes and half the keystream of 64; `RoundParameters` refuses what could overflow."""
NONCE_BYTES: Final = 32
MAX_MEMBERS: Final = 1024
MAX_PARAMETERS: Final = 2**31
# Skellam noise is no Gaussian when it is only a few steps wide, and what it costs then is another sum to do.
MIN_NOISE_STEPS: Final = 2**10
# A wrap-around of the sum does no harm to privacy; this many standard deviations keep the sum right: Chernoff's bound
# leaves a coordinate 2 exp(-12^2 / 2), below 1e-30.
_TAIL_DEVIATIONS: Final = 12.0
_LARGEST_SUM: Final = 2 ** (MODULUS_BITS - 1) - 1


@dataclass(frozen=True)
class RoundParameters:
    """The announcement that opens a round.

    Attributes:
      nonce: 32 random bytes; no key of this round fits another one.
      members: ids of the clients asked, ascending; a client's place in it is its point.
      num_parameters: length of a vector.
      grid_step: gamma, width of the grid: a power of two.
      clipping_norm: C, the most that a client's vector is long.
      noise_multiplier: z of a sum to which `min_survivors` have contributed; 0: no noise, and no claim.
      min_survivors: contributions without which nothing is unmasked, and shares that give a secret. More than half of
        the members: every honest client answers one request for shares, and two that disagree would need as many
        answers each.
      modulus_bits: of the sums; 32.
    """

    nonce: bytes
    members: tuple[str, ...]
    num_parameters: int
    grid_step: float
    clipping_norm: float
    noise_multiplier: float
    min_survivors: int
    modulus_bits: int = MODULUS_BITS

    def __post_init__(self) -> None:
        if not isinstance(self.nonce, bytes) or len(self.nonce) != NONCE_BYTES:
            raise InvalidArgumentError.of("secure.nonce", self.nonce, f"{NONCE_BYTES} bytes")
        whole_number("secure.modulus_bits", self.modulus_bits, MODULUS_BITS, MODULUS_BITS)
        whole_number("secure.num_parameters", self.num_parameters, 1, MAX_PARAMETERS)
        self._check_members()
        self._check_grid()

    @classmethod
    def opened(
        cls,
        members: Sequence[str],
        *,
        num_parameters: int,
        grid_step: float,
        clipping_norm: float,
        noise_multiplier: float,
        min_survivors: int,
    ) -> "RoundParameters":
        """Return the parameters of a new round, with a nonce of its own and the members in order."""
        ordered = tuple(sorted(checked_names("secure.members", members)))
        nonce = secrets.token_bytes(NONCE_BYTES)
        return cls(nonce, ordered, num_parameters, grid_step, clipping_norm, noise_multiplier, min_survivors)

    @property
    def sensitivity(self) -> float:
        """Return S: what one client adds to a sum is at most this long, rounding to the grid counted."""
        return self.clipping_norm + self.grid_step * math.sqrt(self.num_parameters) / 2

    @property
    def share_variance(self) -> float:
        """Return the variance of one client's noise, in squared steps: `(z S / gamma)^2 / min_survivors`."""
        return (self.noise_multiplier * self.sensitivity / self.grid_step) ** 2 / self.min_survivors

    @property
    def largest_sum(self) -> float:
        """Return what no coordinate of a sum exceeds, in steps: all vectors along it, and the tail of all noise."""
        num_members = len(self.members)
        vectors = num_members * (self.clipping_norm / self.grid_step + 1)
        return vectors + _TAIL_DEVIATIONS * math.sqrt(num_members * self.share_variance)

    def point_of(self, client_id: str) -> int:
        """Return the point, from 1, of a member's shares."""
        return self.members.index(client_id) + 1

    def digest(self) -> bytes:
        """Return 32 bytes that stand for these parameters and no others."""
        head = [self.nonce, *(str(value).encode() for value in (self.modulus_bits, self.num_parameters))]
        numbers = (self.grid_step, self.clipping_norm, self.noise_multiplier)
        head += [float(number).hex().encode() for number in numbers]
        return digest_of("parameters", *head, str(self.min_survivors).encode(), *(m.encode() for m in self.members))

    def _check_members(self) -> None:
        names = checked_names("secure.members", self.members)
        if list(names) != sorted(set(names)):
            raise InvalidArgumentError.of("secure.members", names, "distinct ids, ascending")
        whole_number("secure.members.size", len(names), 2, MAX_MEMBERS)
        most = len(names)
        note = f" (more than half of {most} members)"
        whole_number("secure.min_survivors", self.min_survivors, most // 2 + 1, most, note)

    def _check_grid(self) -> None:
        norm_limits = "1e-100 to 1e100"
        finite_number("secure.clipping_norm", self.clipping_norm, lambda c: 1e-100 <= c <= 1e100, norm_limits)
        finite_number("secure.grid_step", self.grid_step, lambda step: math.frexp(step)[0] == 0.5, "a power of two")
        number_from_zero("secure.noise_multiplier", self.noise_multiplier)
        if 0 < self.noise_multiplier * self.clipping_norm < MIN_NOISE_STEPS * self.grid_step:
            allowed = (
                f"at most {self.noise_multiplier * self.clipping_norm / MIN_NOISE_STEPS:.3g} (z C / {MIN_NOISE_STEPS})"
            )
            raise InvalidArgumentError.of("secure.grid_step", self.grid_step, allowed)
        if not self.largest_sum <= _LARGEST_SUM:
            allowed = f"such that the sum of {len(self.members)} members stays below 2^{MODULUS_BITS - 1} steps"
            raise InvalidArgumentError.of(
                "secure.grid_step", self.grid_step, f"{allowed} (it could be {self.largest_sum:.3g})"
            )


def digest_of(label: str, *parts: bytes) -> bytes:
    """Return SHA-256 of a label and parts, each with its length before it: no two lists give the same bytes."""
    digest = hashlib.sha256()
    for part in (b"heronry.secure.v1", checked_name("label", label).encode(), *parts):
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()
