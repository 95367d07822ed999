"""How large a contribution may be so that the result of a full round stays finite."""

from typing import Final

import numpy as np

from heronry.types.errors import InvalidContributionError

# Far inside binary32, so that the product of a share and a staleness factor keeps its precision.
_MAX_SHARE: Final = 1e30


def largest_term(dtype: np.dtype[np.floating], round_size: int) -> float:
    """Return the bound of one component's term in a sum of `round_size`.

    A single term cannot overflow; sums of more keep a factor of two for their rounding.
    """
    return float(np.finfo(dtype).max) / (2 * round_size if round_size > 1 else 1)


def check_term(largest: float, bound: float) -> None:
    """Refuse a component so large that the sum of a round could overflow.

    Raises:
      InvalidContributionError: with the component's size and the bound.
    """
    if not largest <= bound:
        raise InvalidContributionError.of("contribution", largest, f"weighted components of at most {bound:.3g}")


def check_share(share: float) -> None:
    """Refuse a weight that the number type cannot hold beside the round's first one.

    Raises:
      InvalidContributionError: with the ratio and its bounds.
    """
    if not 1.0 / _MAX_SHARE <= share <= _MAX_SHARE:
        allowed = f"{1.0 / _MAX_SHARE:g} to {_MAX_SHARE:g} times the weight of the round's first contribution"
        raise InvalidContributionError.of("contribution.weight", share, allowed)
