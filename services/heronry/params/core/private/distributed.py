"""The figures of a release whose noise the clients bring, in shares, below secure aggregation."""

import math
from collections.abc import Mapping
from typing import Final

from heronry.params.core.private.terms import ReleaseTerms
from heronry.privacy.secure import RoundParameters
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import DistributedNoise

_FINEST: Final = 20
_COARSEST: Final = 10
_LARGEST_SHARE: Final = 2.0**40


def distributed_terms(
    clipping_norm: float, noise: DistributedNoise, cohort_size: int, num_parameters: int, denominator: float
) -> ReleaseTerms:
    """Lay the finest grid on which a whole cohort's sum fits into the modulus.

    The noise's standard deviation spans `2^20` steps of it where it can, `2^10` at least.

    Raises:
      InvalidArgumentError: no grid is fine enough for the noise and coarse enough for the sum.
    """
    members = [f"{index:04}" for index in range(cohort_size)]
    refusal: InvalidArgumentError | None = None
    for exponent in range(_FINEST, _COARSEST - 1, -1):
        step = 2.0 ** math.floor(math.log2(noise.noise_multiplier * clipping_norm) - exponent)
        try:
            tried = RoundParameters.opened(
                members,
                num_parameters=num_parameters,
                grid_step=step,
                clipping_norm=clipping_norm,
                noise_multiplier=noise.noise_multiplier,
                min_survivors=noise.min_survivors,
            )
        except InvalidArgumentError as error:
            refusal = error
            continue
        if tried.share_variance <= _LARGEST_SHARE:
            deviation = noise.noise_multiplier * tried.sensitivity
            return ReleaseTerms(clipping_norm, step, tried.sensitivity, deviation, denominator, 1.0)
    allowed = "noise that a sum modulo 2^32 has room for"
    raise refusal or InvalidArgumentError.of("privacy.noise.distributed", noise.noise_multiplier, allowed)


def distributed_event(terms: ReleaseTerms, num_parameters: int) -> Mapping[str, object]:
    """Describe one sum of the fewest survivors, in steps; more survivors bring more noise.

    The accountant doubles the sensitivity where the relation does.
    """
    return {
        "class": "SkellamDpEvent",
        # Rounded downwards: more noise than there is would be a lie.
        "variance": math.nextafter(terms.noise_steps**2, 0.0) * (1 - 2.0**-50),
        "l2_sensitivity": math.nextafter(terms.sensitivity / terms.step, math.inf),
        "num_parameters": num_parameters,
    }
