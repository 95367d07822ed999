"""Differential privacy at the sender: an update is clipped and noised before it leaves, whoever receives it."""

import math
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from heronry.client.local_budget import LocalBudget
from heronry.types.errors import ConfigurationError, InvalidArgumentError, InvalidContributionError
from heronry.types.field_checks import finite_number, positive_number
from heronry.types.privacy import NeighbourRelation

if TYPE_CHECKING:
    from heronry.privacy.noise import NoiseKey

INSTALL_LINE: Final = "pip install 'heronry[privacy]'"
# Noise spans about a million steps of the grid: rounding adds a thousandth to the bound of 10 M parameters.
_STEPS_A_DEVIATION: Final = 2.0**20
# Below, a bound is more steps of the grid than 63 bits hold; above, a step is wider than the bound.
_LEAST_MULTIPLIER: Final = 2.0**-39
_LARGEST_MULTIPLIER: Final = 2.0**20
# The range of float32.
_LEAST_NORM: Final = 2.0**-126
_LARGEST_NORM: Final = 2.0**127


class LocalPrivacy:
    """Clips and noises each update, and keeps account of what this sender has spent; not thread-safe.

    Every `push` with it is one Gaussian release of this sender's data: `T` of them spend what one with
    `noise_multiplier / sqrt(T)` does. It is charged before it is sent, and stays charged when nobody answers.
    Nothing but the values is hidden: not the sample count or the weight, nor when and how often the sender pushes.
    The noise of a mean of `n` such updates is `sqrt(n)` times that of a server which adds it once.

    Source: Balle and Wang 2018, Theorem 8, for the epsilon; `docs/privacy.md` for the whole.
    """

    def __init__(
        self,
        clipping_norm: float,
        *,
        relation: NeighbourRelation,
        delta: float,
        epsilon_limit: float,
        noise_multiplier: float | None = None,
        epsilon_per_push: float | None = None,
        path: Path | None = None,
    ) -> None:
        """State the claim; nothing but `path` has a default.

        Args:
          clipping_norm: L2 bound of one update, all its tensors together.
          relation: REPLACE_ONE hides which update was sent, among all there could be, and costs twice the noise;
            the others hide whether any was.
          delta: of the claim.
          epsilon_limit: at which further updates are refused.
          noise_multiplier: standard deviation of the noise over the sensitivity; or instead
          epsilon_per_push: what one update may spend at `delta`, from which the noise follows.
          path: a file that keeps what was spent, across restarts and for all processes that name it; None: what was
            spent is forgotten with this object, and the claim holds for its lifetime only.

        Raises:
          InvalidArgumentError: names the value and its range.
          ConfigurationError: `cryptography` is not installed.
          DataLossError: the file is not what was written.
        """
        self.clipping_norm = _within("clipping_norm", clipping_norm, _LEAST_NORM, _LARGEST_NORM)
        if not isinstance(relation, NeighbourRelation):
            raise InvalidArgumentError.of("relation", relation, "a NeighbourRelation")
        # Replacing an update moves the values by twice the bound.
        self._factor = 2.0 if relation is NeighbourRelation.REPLACE_ONE else 1.0
        self.relation = relation
        self.delta = finite_number("delta", delta, lambda d: 0 < d < 1, "between 0 and 1, exclusive")
        self.noise_multiplier = self._multiplier(noise_multiplier, epsilon_per_push)
        _load_noise()
        self._budget = LocalBudget(positive_number("epsilon_limit", epsilon_limit), self.delta, path)

    @property
    def epsilon_limit(self) -> float:
        """At which further updates are refused."""
        return self._budget.limit

    @property
    def epsilon_spent(self) -> float:
        """Of all updates that were charged, sent or not."""
        return self._budget.spent

    @property
    def num_pushes(self) -> int:
        """Updates that were charged."""
        return self._budget.num_charges

    def protect(self, update: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """Charge one update, and return it clipped and noised; the input is not modified.

        Args:
          update: [P], all that is learnt as one vector.

        Returns:
          [P] float64, on the grid of the noise.

        Raises:
          InvalidContributionError: NaN or infinity; nothing is charged.
          BudgetExhaustedError: it would pass the limit; nothing is charged.
          DataLossError, UnavailableError: what was spent cannot be read or written; nothing leaves.
        """
        noise = _load_noise()
        norm = _norm_of(update)
        self._budget.charge(self.noise_multiplier / self._factor)
        return noised(update, norm, self.clipping_norm, self.noise_multiplier, noise.NoiseKey.fresh())

    def _multiplier(self, given: float | None, epsilon_per_push: float | None) -> float:
        if (given is None) == (epsilon_per_push is None):
            both = {"noise_multiplier": given, "epsilon_per_push": epsilon_per_push}
            raise InvalidArgumentError.of("noise_multiplier", both, "one of noise_multiplier and epsilon_per_push")
        if epsilon_per_push is not None:
            from heronry.privacy.accounting.closed_form import gaussian_noise_multiplier  # only those who ask pay

            epsilon = positive_number("epsilon_per_push", epsilon_per_push)
            given = self._factor * gaussian_noise_multiplier(epsilon, 1, self.delta)
        return _within("noise_multiplier", given, _LEAST_MULTIPLIER, _LARGEST_MULTIPLIER)


def noised(
    update: npt.NDArray[np.floating], norm: float, clipping_norm: float, noise_multiplier: float, key: "NoiseKey"
) -> npt.NDArray[np.float64]:
    """Return `update`, whose L2 norm is given, scaled to `clipping_norm` at most, on a grid, and noised.

    The rounding to the grid counts: the noise's standard deviation is `noise_multiplier` times
    `clipping_norm + step sqrt(P) / 2`.
    """
    step = 2.0 ** math.floor(math.log2(noise_multiplier * clipping_norm / _STEPS_A_DEVIATION))
    sensitivity = clipping_norm + step * math.sqrt(update.size) / 2
    # Rounded towards zero: the scaled norm must not pass the bound.
    factor = 1.0 if norm <= clipping_norm else math.nextafter(clipping_norm / norm, 0.0)
    scaled = np.multiply(update, factor / step, dtype=np.float64)
    total = np.rint(scaled, out=scaled).astype(np.int64)
    _load_noise().add_rounded_normals(key, 0, noise_multiplier * sensitivity / step, total)
    out: npt.NDArray[np.float64] = np.multiply(total, step, dtype=np.float64)
    return out


def _norm_of(update: npt.NDArray[np.floating]) -> float:
    """Return the L2 norm, in float64."""
    values = np.asarray(update, np.float64)
    largest = float(np.abs(values).max(initial=0.0))
    if not math.isfinite(largest):
        raise InvalidContributionError.of("values", "NaN or infinity", "finite values (nothing was sent)")
    if largest == 0.0:
        return 0.0
    # Scaled first: squares of the largest and of denormal numbers would leave float64. The rounding is upwards.
    scaled = values / largest
    return largest * math.sqrt(float(np.dot(scaled, scaled))) * (1 + values.size * 2.0**-52)


def _within(field: str, value: object, least: float, largest: float) -> float:
    return finite_number(field, value, lambda number: least <= number <= largest, f"{least:.3g} to {largest:.3g}")


def _load_noise() -> ModuleType:
    """Return `heronry.privacy.noise`, which needs a package that the SDK does without.

    Raises:
      ConfigurationError: it is not installed; says how to.
    """
    try:
        from heronry.privacy import noise  # `cryptography`
    except ImportError as error:
        raise ConfigurationError(f"local privacy needs cryptography: {INSTALL_LINE}") from error
    return noise
