"""What one release of each kind costs, computed once a kind however often it runs."""

from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from heronry.privacy.accounting.events import Event, field_of, gaussian, name_of, new_event, real_of
from heronry.privacy.accounting.library import load_library
from heronry.privacy.accounting.relations import check_supported, has_pld, has_rdp, seen_under
from heronry.privacy.accounting.skellam import SkellamDpEvent, skellam_rdp
from heronry.types.privacy import NeighbourRelation

Reals = npt.NDArray[np.float64]
# A loss distribution of dp-accounting, which has no types.
LossDistribution = Any

_RELATION_NAMES: Final = {
    NeighbourRelation.ADD_OR_REMOVE_ONE: "ADD_OR_REMOVE_ONE",
    NeighbourRelation.REPLACE_ONE: "REPLACE_ONE",
    NeighbourRelation.ZERO_OUT_ONE: "REPLACE_SPECIAL",
}


class OneSteps:
    """One-step Rényi vectors and loss distributions of the kinds of events seen so far; shared by many accountants.

    Attributes:
      relation: that all of them hold under.
      num_computed: vectors and distributions that were computed, each for a kind and not for a release.
    """

    def __init__(self, relation: NeighbourRelation) -> None:
        self.relation = relation
        self.num_computed = 0
        self._vectors: dict[Event, Reals | None] = {}
        self._sizes: dict[Event, Reals] = {}
        self._distributions: dict[Event, LossDistribution] = {}
        self._orders: Reals | None = None

    @property
    def orders(self) -> Reals:
        """The Rényi orders."""
        if self._orders is None:
            self._orders = np.asarray(load_library("dp_accounting.rdp").RdpAccountant().orders, np.float64)
        return self._orders

    def rdp(self, leaf: Event) -> Reals | None:
        """Return the Rényi divergences of one release; None where they are not sound.

        Raises:
          ConfigurationError: no accountant is sound for the event under the relation.
        """
        if leaf not in self._vectors:
            check_supported(leaf, self.relation)
            self._vectors[leaf] = self._compute_rdp(leaf) if has_rdp(leaf, self.relation) else None
        return self._vectors[leaf]

    def size(self, leaf: Event) -> Reals:
        """Return Rényi divergences that tell how large a distribution would be; no bound for what the claim says."""
        vector = self.rdp(leaf)
        if vector is not None:
            return vector
        if leaf not in self._sizes:
            self._sizes[leaf] = self._compute_size(leaf)
        return self._sizes[leaf]

    def has_pld(self, leaf: Event) -> bool:
        """Tell whether loss distributions are sound for a mechanism."""
        return has_pld(leaf, self.relation)

    def distribution(self, leaf: Event, count: int) -> LossDistribution:
        """Return the loss distribution of `count` releases; Gaussians are one Gaussian of less noise."""
        if name_of(leaf) == "GaussianDpEvent":
            return self._compute_distribution(gaussian(real_of(leaf, "noise_multiplier") / count**0.5))
        if leaf not in self._distributions:
            self._distributions[leaf] = self._compute_distribution(leaf)
        return self._distributions[leaf].self_compose(count)

    def _compute_rdp(self, leaf: Event, relation: NeighbourRelation | None = None) -> Reals:
        relation = relation or self.relation
        self.num_computed += 1
        seen = seen_under(leaf, self.relation)
        if isinstance(seen, SkellamDpEvent):
            return skellam_rdp(seen, self.orders)
        name = _RELATION_NAMES[relation]
        library = load_library()
        accountant = load_library("dp_accounting.rdp").RdpAccountant(
            neighboring_relation=getattr(library.NeighboringRelation, name)
        )
        accountant.compose(seen)
        vector = np.asarray(accountant.rdp, np.float64)
        # Extreme events cancel below zero: such an order says nothing, and must not count as nothing spent.
        vector[vector < 0] = np.inf
        return vector

    def _compute_size(self, leaf: Event) -> Reals:
        if name_of(leaf) == "TruncatedSubsampledGaussianDpEvent":
            leaf = new_event(
                "PoissonSampledDpEvent",
                sampling_probability=real_of(leaf, "sampling_probability"),
                event=gaussian(real_of(leaf, "noise_multiplier")),
            )
        return self._compute_rdp(leaf, NeighbourRelation.ADD_OR_REMOVE_ONE)

    def _compute_distribution(self, leaf: Event) -> LossDistribution:
        self.num_computed += 1
        library = load_library("dp_accounting.pld.privacy_loss_distribution")
        relation = getattr(load_library().NeighboringRelation, _RELATION_NAMES[self.relation])
        match name_of(leaf):
            case "GaussianDpEvent":
                return library.from_gaussian_mechanism(
                    standard_deviation=real_of(leaf, "noise_multiplier"), neighboring_relation=relation
                )
            case "PoissonSampledDpEvent":
                return library.from_gaussian_mechanism(
                    standard_deviation=real_of(cast("Event", field_of(leaf, "event")), "noise_multiplier"),
                    sampling_prob=real_of(leaf, "sampling_probability"),
                    neighboring_relation=relation,
                )
            case "TruncatedSubsampledGaussianDpEvent":
                return library.from_truncated_subsampled_gaussian_mechanism(
                    dataset_size=field_of(leaf, "dataset_size"),
                    sampling_probability=real_of(leaf, "sampling_probability"),
                    truncated_batch_size=field_of(leaf, "truncated_batch_size"),
                    noise_multiplier=real_of(leaf, "noise_multiplier"),
                    neighboring_relation=relation,
                )
            case name:
                raise ValueError(f"{name} has no loss distribution")
