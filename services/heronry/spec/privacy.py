"""The privacy that a run claims. Nothing here has a default: a claim is stated in full."""

from typing import Protocol, Self, TypeVar

from pydantic import model_validator

from heronry.spec.section import Section
from heronry.types.privacy import (
    BandedFactorisation,
    BufferedFactorisation,
    Clipping,
    CorrelatedNoise,
    DistributedNoise,
    Factorisation,
    FixedClip,
    IndependentNoise,
    NeighbourRelation,
    Noise,
    NoiseSampler,
    PrivacySettings,
    PrivacyUnit,
    QuantileClipping,
    TreeFactorisation,
)

S = TypeVar("S", bound=Section)
V = TypeVar("V", covariant=True)

# Ranges are checked by the values of `heronry.types.privacy` that the sections stand for.


class Valued(Protocol[V]):
    """A section that stands for a value."""

    def value(self) -> V: ...


class FixedClipSection(Section):
    """One bound on the L2 norm of every contribution."""

    norm: float

    def value(self) -> Clipping:
        """Return the bound."""
        return FixedClip(self.norm)


class QuantileClipSection(Section):
    """A bound that follows a quantile of the norms, privately."""

    initial_norm: float
    quantile: float
    learning_rate: float
    count_noise: float

    def value(self) -> Clipping:
        """Return the bound."""
        return QuantileClipping(self.initial_norm, self.quantile, self.learning_rate, self.count_noise)


class ClipSection(Section):
    """What bounds a contribution: one of them."""

    fixed: FixedClipSection | None = None
    quantile: QuantileClipSection | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        return _require_one("privacy.clip", self)

    def value(self) -> Clipping:
        """Return the bound."""
        return _chosen(self.fixed, self.quantile).value()


class BandedSection(Section):
    """The square root of the prefix-sum matrix, cut to so many diagonals."""

    band: int

    def value(self) -> Factorisation:
        """Return the strategy."""
        return BandedFactorisation(self.band)


class BufferedSection(Section):
    """A buffered linear Toeplitz matrix."""

    num_buffers: int

    def value(self) -> Factorisation:
        """Return the strategy."""
        return BufferedFactorisation(self.num_buffers)


class TreeSection(Section):
    """Binary-tree aggregation: `{}`."""

    def value(self) -> Factorisation:
        """Return the strategy."""
        return TreeFactorisation()


class IndependentNoiseSection(Section):
    """Fresh Gaussian noise on every version."""

    noise_multiplier: float
    sampler: NoiseSampler
    is_amplified: bool

    def value(self) -> Noise:
        """Return the noise."""
        return IndependentNoise(self.noise_multiplier, self.sampler, self.is_amplified)


class CorrelatedNoiseSection(Section):
    """Noise whose prefix sums cancel out, and one of the strategies."""

    noise_multiplier: float
    horizon: int
    max_participations: int
    min_separation: int
    banded: BandedSection | None = None
    buffered: BufferedSection | None = None
    tree: TreeSection | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        return _require_one("privacy.noise.correlated", self)

    def value(self) -> Noise:
        """Return the noise."""
        strategy = _chosen(self.banded, self.buffered, self.tree).value()
        return CorrelatedNoise(
            self.noise_multiplier, self.horizon, self.max_participations, self.min_separation, strategy
        )


class DistributedNoiseSection(Section):
    """Shares of noise that clients add under secure aggregation."""

    noise_multiplier: float
    min_survivors: int

    def value(self) -> Noise:
        """Return the noise."""
        return DistributedNoise(self.noise_multiplier, self.min_survivors)


class NoiseSection(Section):
    """What hides a contribution: one of them."""

    independent: IndependentNoiseSection | None = None
    correlated: CorrelatedNoiseSection | None = None
    distributed: DistributedNoiseSection | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        return _require_one("privacy.noise", self)

    def value(self) -> Noise:
        """Return the noise."""
        return _chosen(self.independent, self.correlated, self.distributed).value()


class PrivacySection(Section):
    """A claim of differential privacy for the policy's versions, and the mechanism that is to keep it."""

    unit: PrivacyUnit
    """Whose presence is hidden."""
    relation: NeighbourRelation
    """Which data sets are neighbours."""
    population: int
    """Units there are: a public number."""
    delta: float
    """Below 1 / population."""
    epsilon_limit: float
    """At which no further version is released."""
    clip: ClipSection
    noise: NoiseSection
    publishes_returns: bool
    """Returns and losses are private and outside of the claim; a run shows them all the same: say so knowingly."""

    def value(self) -> PrivacySettings:
        """Return the claim.

        Raises:
          InvalidArgumentError: a value outside its range.
        """
        return PrivacySettings(
            self.unit,
            self.relation,
            self.population,
            self.delta,
            self.epsilon_limit,
            self.clip.value(),
            self.noise.value(),
        )


def _require_one(field: str, section: S) -> S:
    """Refuse a section unless exactly one of its parts that may be left out is there."""
    choices = [name for name, part in type(section).model_fields.items() if not part.is_required()]
    given = [name for name in choices if getattr(section, name) is not None]
    if len(given) != 1:
        message = f"{field}: got {' and '.join(given) or 'none'}, allowed: one of {', '.join(choices)}"
        raise ValueError(message)
    return section


def _chosen(*parts: Valued[V] | None) -> Valued[V]:
    return next(part for part in parts if part is not None)
