"""What was released so far, as sums that grow by one release in constant time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from heronry.privacy.accounting.events import Event, leaves_of, name_of
from heronry.privacy.accounting.one_steps import OneSteps
from heronry.privacy.accounting.relations import gaussian_multiplier
from heronry.types.errors import ConfigurationError

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Composition:
    """The mechanisms that ran, and the sums that their epsilon follows from.

    Attributes:
      counts: how often each mechanism ran.
      num_releases: all of them together.
      rdp: the sum of their Rényi divergences; None where one of them has none.
      size: the same, with rough figures for those that have none; 0 before the first.
      inverse_square: the sum of `z^-2` over Gaussians, at the relation's sensitivity.
      has_pld: all of them have loss distributions.
      is_gaussian: all of them are Gaussians.
      is_private: none of them is void.
    """

    counts: Mapping[Event, int] = field(default_factory=dict)
    num_releases: int = 0
    rdp: Reals | None = field(default_factory=lambda: np.zeros(1))
    size: Reals = field(default_factory=lambda: np.zeros(1))
    inverse_square: float = 0.0
    has_pld: bool = True
    is_gaussian: bool = True
    is_private: bool = True

    def plus(self, event: Event, count: int, steps: OneSteps) -> "Composition":
        """Return the composition with `count` more releases of an event.

        Raises:
          ConfigurationError: no accountant is sound for the event, or for all events together.
        """
        total = self
        for leaf, times in leaves_of(event, count):
            total = total._plus_leaf(leaf, times, steps)
        if total.is_private and total.rdp is None and not total.has_pld:
            kinds = ", ".join(sorted({name_of(leaf) for leaf in total.counts}))
            allowed = "events of one accountant: some of these have no RDP, some no PLD"
            raise ConfigurationError.of("privacy.events", kinds, allowed)
        return total

    def _plus_leaf(self, leaf: Event, count: int, steps: OneSteps) -> "Composition":
        vector, name = steps.rdp(leaf), name_of(leaf)
        is_gaussian = name == "GaussianDpEvent"
        inverse_square = gaussian_multiplier(leaf, steps.relation) ** -2 if is_gaussian else 0.0
        return Composition(
            counts={**self.counts, leaf: self.counts.get(leaf, 0) + count},
            num_releases=self.num_releases + count,
            rdp=None if vector is None or self.rdp is None else self.rdp + count * vector,
            size=self.size + count * steps.size(leaf),
            inverse_square=self.inverse_square + count * inverse_square,
            has_pld=self.has_pld and steps.has_pld(leaf),
            is_gaussian=self.is_gaussian and is_gaussian,
            is_private=self.is_private and name != "NonPrivateDpEvent",
        )
