"""What a model claims of the privacy of those who contribute to it.

Nothing here has a default: a claim is stated in full. What the words mean: Dwork and Roth 2014; why a
combination is refused: `docs/privacy.md`.
"""

import enum
import math
from dataclasses import dataclass

from heronry.types.errors import InvalidArgumentError


class PrivacyUnit(enum.Enum):
    """Whose presence the claim hides."""

    CLIENT = "client"
    EPISODE = "episode"


class NeighbourRelation(enum.Enum):
    """Which data sets are neighbours: those that differ in one unit."""

    # One unit is there or not; where arrivals fill the rounds another one would take its place: refused there.
    ADD_OR_REMOVE_ONE = "add_or_remove_one"
    REPLACE_ONE = "replace_one"
    # One unit's contributions are replaced by zeros (`REPLACE_SPECIAL` of dp-accounting); that they come is public.
    ZERO_OUT_ONE = "zero_out_one"


class NoiseSampler(enum.Enum):
    """How noise on the integer grid is drawn."""

    # A Gaussian, rounded to the grid: post-processing of the Gaussian mechanism.
    ROUNDED_GAUSSIAN = "rounded_gaussian"
    # The exact discrete Gaussian (Canonne, Kamath and Steinke 2020).
    DISCRETE_GAUSSIAN = "discrete_gaussian"


@dataclass(frozen=True)
class FixedClip:
    """Every contribution is scaled to an L2 norm of at most `norm`."""

    norm: float

    def __post_init__(self) -> None:
        _check_positive("clip.fixed.norm", self.norm)


@dataclass(frozen=True)
class QuantileClipping:
    """The bound follows a quantile of the norms, privately (Andrew et al. 2021); its share of the budget is paid.

    Attributes:
      initial_norm: the first release's bound.
      quantile: share of the contributions that are to stay whole.
      learning_rate: of the bound's logarithm, a release.
      count_noise: standard deviation of the noise on the count of those that stayed whole; above half of
        `noise_multiplier`, beyond which nothing would be left for the values.
    """

    initial_norm: float
    quantile: float
    learning_rate: float
    count_noise: float

    def __post_init__(self) -> None:
        _check_positive("clip.quantile.initial_norm", self.initial_norm)
        if not 0 < self.quantile < 1:
            raise InvalidArgumentError.of("privacy.clip.quantile.quantile", self.quantile, "between 0 and 1, exclusive")
        _check_positive("clip.quantile.learning_rate", self.learning_rate)
        _check_positive("clip.quantile.count_noise", self.count_noise)


Clipping = FixedClip | QuantileClipping


@dataclass(frozen=True)
class IndependentNoise:
    """Fresh Gaussian noise on every release.

    Attributes:
      noise_multiplier: standard deviation over the sensitivity of a sum.
      sampler: how it is drawn.
      is_amplified: the claim counts on the secret of the cohort that the server draws.
    """

    noise_multiplier: float
    sampler: NoiseSampler
    is_amplified: bool

    def __post_init__(self) -> None:
        _check_positive("noise.independent.noise_multiplier", self.noise_multiplier)


@dataclass(frozen=True)
class BandedFactorisation:
    """The square root of the prefix-sum matrix, cut to `band` diagonals (Kalinin and Lampert 2024)."""

    band: int

    def __post_init__(self) -> None:
        _check_count("noise.correlated.banded.band", self.band)


@dataclass(frozen=True)
class BufferedFactorisation:
    """A buffered linear Toeplitz matrix (McMahan, Xiao and Zhang 2024): any horizon in `num_buffers` vectors."""

    num_buffers: int

    def __post_init__(self) -> None:
        _check_count("noise.correlated.buffered.num_buffers", self.num_buffers, 8)


@dataclass(frozen=True)
class TreeFactorisation:
    """Binary-tree aggregation (Dwork et al. 2010): the classic; every unit contributes once."""


Factorisation = BandedFactorisation | BufferedFactorisation | TreeFactorisation


@dataclass(frozen=True)
class CorrelatedNoise:
    """Noise whose prefix sums cancel out (matrix factorisation); no amplification is needed.

    Attributes:
      noise_multiplier: standard deviation over the sensitivity of a whole horizon.
      horizon: releases that are paid for together.
      max_participations: releases of a horizon that a unit may contribute to.
      min_separation: releases from one of its contributions to the next, at least.
      factorisation: the strategy.
    """

    noise_multiplier: float
    horizon: int
    max_participations: int
    min_separation: int
    factorisation: Factorisation

    def __post_init__(self) -> None:
        _check_positive("noise.correlated.noise_multiplier", self.noise_multiplier)
        _check_count("noise.correlated.horizon", self.horizon, 1_000_000)
        _check_count("noise.correlated.max_participations", self.max_participations, self.horizon)
        _check_count("noise.correlated.min_separation", self.min_separation, self.horizon)
        if isinstance(self.factorisation, TreeFactorisation) and self.max_participations != 1:
            field, allowed = "max_participations", "1 (the tree's claim is for one contribution a unit)"
            raise InvalidArgumentError.of(f"privacy.noise.correlated.{field}", self.max_participations, allowed)


@dataclass(frozen=True)
class DistributedNoise:
    """Shares of noise added by the clients under secure aggregation: the server sees noised sums only.

    Attributes:
      noise_multiplier: of a sum to which the fewest survivors have contributed.
      min_survivors: contributions without which nothing is unmasked.
    """

    noise_multiplier: float
    min_survivors: int

    def __post_init__(self) -> None:
        _check_positive("noise.distributed.noise_multiplier", self.noise_multiplier)
        _check_count("noise.distributed.min_survivors", self.min_survivors)


Noise = IndependentNoise | CorrelatedNoise | DistributedNoise


@dataclass(frozen=True)
class PrivacySettings:
    """A claim of differential privacy, and the mechanism that is to keep it.

    Attributes:
      unit: whose presence it hides.
      relation: which data sets are neighbours.
      population: units there are, a public number; `delta` is below its inverse.
      delta: of the claim.
      epsilon_limit: at which further releases are refused.
      clip: bounds what one unit adds to a sum.
      noise: hides it.
    """

    unit: PrivacyUnit
    relation: NeighbourRelation
    population: int
    delta: float
    epsilon_limit: float
    clip: Clipping
    noise: Noise

    def __post_init__(self) -> None:
        _check_count("population", self.population)
        _check_positive("epsilon_limit", self.epsilon_limit)
        if not 0 < self.delta < 1 / self.population:
            allowed = f"above 0, below {1 / self.population:.3g} (1 / population)"
            raise InvalidArgumentError.of("privacy.delta", self.delta, allowed)
        if isinstance(self.clip, QuantileClipping):
            _check_count_noise(self.clip, self.noise)


@dataclass(frozen=True)
class ClientSpending:
    """What one client has spent.

    Attributes:
      client_id: whose.
      num_participations: releases it has contributed to.
      last_release: the last of them.
      epsilon_spent: at the claim's delta.
    """

    client_id: str
    num_participations: int
    last_release: int
    epsilon_spent: float


@dataclass(frozen=True)
class PrivacyStatus:
    """A model's privacy claim and what has been spent of it.

    Attributes:
      has_claim: whether any is made.
      statement: the claim in words, and what it does not cover.
      is_void: a deterministic test mode has voided it.
      mechanism: what keeps it.
      unit, relation, delta, epsilon_limit: as claimed.
      epsilon_spent: by what was released or reserved; the smaller sound bound.
      epsilon_after: what the next release would make of it.
      accountant: which bound that is.
      num_releases: reserved so far.
      clipping_norm: of the next release.
      noise_multiplier: of the next release.
      ledger_sequence: of the ledger's head.
      ledger_digest: of the ledger's head.
    """

    has_claim: bool
    statement: str
    is_void: bool = False
    mechanism: str = ""
    unit: PrivacyUnit | None = None
    relation: NeighbourRelation | None = None
    delta: float = 0.0
    epsilon_limit: float = 0.0
    epsilon_spent: float = 0.0
    epsilon_after: float = 0.0
    accountant: str = ""
    num_releases: int = 0
    clipping_norm: float = 0.0
    noise_multiplier: float = 0.0
    ledger_sequence: int = 0
    ledger_digest: bytes = b""


def _check_positive(field: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (math.isfinite(value) and value > 0):
        raise InvalidArgumentError.of(f"privacy.{field}", value, "above 0, finite")


def _check_count(field: str, value: int, most: int = 2**32 - 1) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidArgumentError.of(f"privacy.{field}", value, f"a whole number from 1 to {most}")


def _check_count_noise(clip: QuantileClipping, noise: Noise) -> None:
    """Refuse a count so exact that no budget is left: the values' share is `(z^-2 - (2 sigma_b)^-2)^-1/2`."""
    if not isinstance(noise, IndependentNoise):
        raise InvalidArgumentError.of("privacy.clip", "quantile", "fixed (the quantile is paid for release by release)")
    if 2 * clip.count_noise <= noise.noise_multiplier:
        allowed = f"above {noise.noise_multiplier / 2:g} (half of the noise multiplier)"
        raise InvalidArgumentError.of("privacy.clip.quantile.count_noise", clip.count_noise, allowed)
