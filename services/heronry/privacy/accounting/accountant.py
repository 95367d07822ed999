"""Epsilon of all that was released, by every accountant that is sound for it; kept up in constant time a release."""

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from heronry.privacy.accounting.closed_form import gaussian_epsilon
from heronry.privacy.accounting.composition import Composition
from heronry.privacy.accounting.events import Event, event_from_document, event_to_document, gaussian, name_of, real_of
from heronry.privacy.accounting.library import load_library
from heronry.privacy.accounting.one_steps import LossDistribution, OneSteps
from heronry.types.errors import InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

# Distributions of larger losses fill the memory; nobody makes a claim up there.
LARGEST_PLD_EPSILON: Final = 100.0
_MOST_KNOWN: Final = 8


class AccountantName(enum.StrEnum):
    """What an epsilon was computed by; every one of them an upper bound. Gaussian (CLT) DP is none, and left out."""

    # Balle and Wang 2018: exact.
    CLOSED_FORM = "closed form"
    # Mironov 2017, with the conversion of Canonne, Kamath and Steinke 2020.
    RDP = "RDP"
    # Privacy loss distributions: Koskela et al. 2020; Doroshenko et al. 2022.
    PLD = "PLD"
    # Nothing was released, or something without privacy.
    NONE = "none"


@dataclass(frozen=True)
class Spent:
    """An epsilon and what it was computed by."""

    epsilon: float
    accountant: AccountantName


class Accountant:
    """Composes releases under one neighbour relation; the smaller sound bound counts.

    One release costs O(Rényi orders), whatever ran before. Loss distributions are composed when they are asked for.
    Not safe for several threads.
    """

    def __init__(self, relation: NeighbourRelation, steps: OneSteps | None = None) -> None:
        if steps is not None and steps.relation is not relation:
            raise ValueError("one-step costs of another relation")
        self.relation = relation
        self.steps = steps or OneSteps(relation)
        self.composition = Composition()
        self._known: dict[tuple[frozenset[tuple[Event, int]], float], tuple[Spent, ...]] = {}

    def sibling(self) -> "Accountant":
        """Return an accountant of nothing yet that shares what was computed: one for each client."""
        return Accountant(self.relation, self.steps)

    def compose(self, event: Event, count: int = 1) -> None:
        """Count `count` releases of an event.

        Raises:
          ConfigurationError: no accountant is sound for it under the relation; nothing is counted.
          InvalidArgumentError: not an event that is accounted for.
        """
        self.composition = self.after(event, count)

    def after(self, event: Event, count: int = 1) -> Composition:
        """Return what would have been released; raises as `compose` does."""
        if count < 0:
            raise InvalidArgumentError.of("count", count, "0 or more")
        return self.composition.plus(event, count, self.steps) if count else self.composition

    def epsilon(self, delta: float) -> Spent:
        """Return the smallest sound bound on what is spent."""
        return self._smallest(self.composition, delta)

    def epsilon_after(self, event: Event, delta: float, count: int = 1) -> Spent:
        """Return the smallest sound bound on what would be spent after `count` releases of an event."""
        return self._smallest(self.after(event, count), delta)

    def bounds(self, delta: float) -> tuple[Spent, ...]:
        """Return every sound bound on what is spent."""
        return self._bounds_of(self.composition, delta)

    def quick_epsilon(self, delta: float, composition: Composition | None = None) -> Spent | None:
        """Return a bound that costs no loss distribution, under 1 ms; None where there is none."""
        total = self.composition if composition is None else composition
        _check_delta(delta)
        if not total.is_private:
            return Spent(math.inf, AccountantName.NONE)
        if not total.counts:
            return Spent(0.0, AccountantName.NONE)
        if total.is_gaussian:
            return Spent(gaussian_epsilon(total.inverse_square**-0.5, 1, delta), AccountantName.CLOSED_FORM)
        return self._rdp(total, delta)

    def rough_epsilon(self, delta: float, composition: Composition | None = None) -> float:
        """Return about what is spent, for searches and sizes: no bound that a claim may rest on."""
        total = self.composition if composition is None else composition
        return float(load_library("dp_accounting.rdp").compute_epsilon(self.steps.orders, total.size, delta)[0])

    def state_to_document(self) -> dict[str, object]:
        """Return what was released as JSON values."""
        charges = [
            {"event": event_to_document(event), "count": count} for event, count in self.composition.counts.items()
        ]
        return {"relation": self.relation.value, "charges": charges}

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> "Accountant":
        """Return the accountant that a document was made from.

        Raises:
          InvalidArgumentError: not such a document.
        """
        name, charges = document.get("relation"), document.get("charges")
        relation = next((each for each in NeighbourRelation if each.value == name), None)
        if relation is None:
            raise InvalidArgumentError.of(
                "accountant.relation", name, ", ".join(each.value for each in NeighbourRelation)
            )
        if not isinstance(charges, list):
            raise InvalidArgumentError.of("accountant.charges", charges, "a list of events and counts")
        accountant = cls(relation)
        for event, count in _charges(charges):
            accountant.compose(event, count)
        return accountant

    def _smallest(self, total: Composition, delta: float) -> Spent:
        quick = self.quick_epsilon(delta, total)
        # Of Gaussians the closed form is exact: the others cannot be smaller.
        if quick is not None and quick.accountant is not AccountantName.RDP:
            return quick
        return min(self._bounds_of(total, delta), key=_by_epsilon)

    def _bounds_of(self, total: Composition, delta: float) -> tuple[Spent, ...]:
        # Statuses ask for what is spent and what would be, time and again: a distribution takes a third of a second.
        key = (frozenset(total.counts.items()), delta)
        if key not in self._known:
            if len(self._known) >= _MOST_KNOWN:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self._compute_bounds(total, delta)
        return self._known[key]

    def _compute_bounds(self, total: Composition, delta: float) -> tuple[Spent, ...]:
        quick = self.quick_epsilon(delta, total)
        if quick is not None and quick.accountant is AccountantName.NONE:
            return (quick,)
        found = (quick, self._rdp(total, delta), self._pld(total, delta))
        # A Gaussian's quick bound is the closed form, every other one's is RDP's: it would be there twice.
        bounds = {bound.accountant: bound for bound in found if bound is not None}
        return tuple(bounds.values()) or (Spent(math.inf, AccountantName.PLD),)

    def _rdp(self, total: Composition, delta: float) -> Spent | None:
        if total.rdp is None:
            return None
        epsilon, _ = load_library("dp_accounting.rdp").compute_epsilon(self.steps.orders, total.rdp, delta)
        return Spent(float(epsilon), AccountantName.RDP)

    def _pld(self, total: Composition, delta: float) -> Spent | None:
        """Return the bound by loss distributions; None where there are none, or where they are too large to compute."""
        if not total.has_pld:
            return None
        if self.rough_epsilon(delta, total) > LARGEST_PLD_EPSILON:
            return None
        return Spent(float(self._distribution(total).get_epsilon_for_delta(delta)), AccountantName.PLD)

    def _distribution(self, total: Composition) -> LossDistribution:
        """Return the loss distribution of all releases, with the Gaussians folded into one first."""
        parts = []
        gaussians = [(leaf, count) for leaf, count in total.counts.items() if name_of(leaf) == "GaussianDpEvent"]
        if gaussians:
            folded = sum(count * real_of(leaf, "noise_multiplier") ** -2 for leaf, count in gaussians)
            parts.append(self.steps.distribution(gaussian(folded**-0.5), 1))
        for leaf, count in total.counts.items():
            if name_of(leaf) != "GaussianDpEvent":
                parts.append(self.steps.distribution(leaf, count))
        whole = parts[0]
        for part in parts[1:]:
            whole = whole.compose(part)
        return whole


def _by_epsilon(bound: Spent) -> float:
    return bound.epsilon


def _charges(charges: Iterable[object]) -> Iterable[tuple[Event, int]]:
    for charge in charges:
        if not isinstance(charge, Mapping) or not isinstance(charge.get("event"), Mapping):
            raise InvalidArgumentError.of("accountant.charges", charge, "an event and its count")
        count = charge.get("count")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InvalidArgumentError.of("accountant.charges.count", count, "a whole number, 1 or more")
        yield event_from_document(charge["event"]), count


def _check_delta(delta: float) -> None:
    if not 0 < delta < 1:
        raise InvalidArgumentError.of("delta", delta, "between 0 and 1, exclusive")
