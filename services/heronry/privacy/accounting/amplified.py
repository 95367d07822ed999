"""Mechanisms whose server draws a secret cohort each round: chance hides a unit as noise does."""

from dataclasses import dataclass
from typing import ClassVar

from heronry.privacy.accounting.events import Event, gaussian, new_event, repeated
from heronry.privacy.accounting.mechanism import check_count, check_rate
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

_HIDDEN = "the server draws every cohort and keeps it secret; nobody volunteers; who stays away counts as zero"


@dataclass(frozen=True)
class PoissonCohorts:
    """Each round the server flips a coin for every client.

    Attributes:
      sampling_rate: the coin's chance.
      num_rounds: releases.
      denominator: the expected cohort; None when the number of clients was not told.
    """

    sampling_rate: float
    num_rounds: int
    denominator: float | None = None
    name: ClassVar[str] = "poisson"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = (
        NeighbourRelation.ADD_OR_REMOVE_ONE,
        NeighbourRelation.ZERO_OUT_ONE,
        NeighbourRelation.REPLACE_ONE,
    )
    noise_of: ClassVar[str] = "a release"
    holds_when: ClassVar[str] = f"{_HIDDEN}; cohorts have no cap"

    def __post_init__(self) -> None:
        check_rate("sampling_rate", self.sampling_rate)
        check_count("rounds", self.num_rounds)

    def event(self, noise_multiplier: float) -> Event:
        """Return one sampled Gaussian a round."""
        step = new_event(
            "PoissonSampledDpEvent", sampling_probability=self.sampling_rate, event=gaussian(noise_multiplier)
        )
        return repeated(step, self.num_rounds)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the multiplier: a sum moves by one clipping norm."""
        return noise_multiplier


@dataclass(frozen=True)
class TruncatedPoissonCohorts:
    """Coins as before, and a random part of the cohort where it grows past a cap.

    Attributes:
      num_clients: that coins are flipped for.
      sampling_rate: the coin's chance.
      cap: the largest cohort.
      num_rounds: releases.
    """

    num_clients: int
    sampling_rate: float
    cap: int
    num_rounds: int
    name: ClassVar[str] = "truncated-poisson"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = PoissonCohorts.relations
    noise_of: ClassVar[str] = "a release"
    holds_when: ClassVar[str] = f"{_HIDDEN}; a cohort above the cap is thinned out at random"

    def __post_init__(self) -> None:
        check_count("clients", self.num_clients)
        check_rate("sampling_rate", self.sampling_rate)
        check_count("cap", self.cap, self.num_clients)
        check_count("rounds", self.num_rounds)

    @property
    def denominator(self) -> float:
        """The expected cohort, before it is thinned out."""
        return self.num_clients * self.sampling_rate

    def event(self, noise_multiplier: float) -> Event:
        """Return one truncated sampled Gaussian a round."""
        step = new_event(
            "TruncatedSubsampledGaussianDpEvent",
            dataset_size=self.num_clients,
            sampling_probability=self.sampling_rate,
            truncated_batch_size=self.cap,
            noise_multiplier=noise_multiplier,
        )
        return repeated(step, self.num_rounds)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the multiplier: a sum moves by one clipping norm."""
        return noise_multiplier


@dataclass(frozen=True)
class CohortsWithoutReplacement:
    """Each round the server draws a cohort of a fixed size.

    Attributes:
      num_clients: drawn from.
      cohort: drawn.
      num_rounds: releases.
    """

    num_clients: int
    cohort: int
    num_rounds: int
    name: ClassVar[str] = "without-replacement"
    relations: ClassVar[tuple[NeighbourRelation, ...]] = (NeighbourRelation.REPLACE_ONE,)
    noise_of: ClassVar[str] = "a release"
    holds_when: ClassVar[str] = f"{_HIDDEN}; a neighbour replaces a client, by which a sum moves two clipping norms"

    def __post_init__(self) -> None:
        check_count("clients", self.num_clients)
        check_count("rounds", self.num_rounds)
        if not 1 <= self.cohort <= self.num_clients:
            raise InvalidArgumentError.of("cohort", self.cohort, f"1 to {self.num_clients} (the clients)")

    @property
    def denominator(self) -> float:
        """The cohort."""
        return float(self.cohort)

    def event(self, noise_multiplier: float) -> Event:
        """Return one Gaussian on a sample a round."""
        step = new_event(
            "SampledWithoutReplacementDpEvent",
            source_dataset_size=self.num_clients,
            sample_size=self.cohort,
            event=gaussian(noise_multiplier),
        )
        return repeated(step, self.num_rounds)

    def noise_on_sum(self, noise_multiplier: float) -> float:
        """Return the multiplier: it is relative to one clipping norm under every relation."""
        return noise_multiplier
