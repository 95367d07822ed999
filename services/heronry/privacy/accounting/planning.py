"""Answers before a run begins: which epsilon a noise gives, which noise an epsilon needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from heronry.privacy.accounting.accountant import LARGEST_PLD_EPSILON, Accountant, AccountantName, Spent
from heronry.privacy.accounting.calibration import LARGEST_TARGET, least_noise_multiplier
from heronry.privacy.accounting.events import event_to_document
from heronry.privacy.accounting.mechanism import Mechanism
from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

_ALL: Final = (AccountantName.CLOSED_FORM, AccountantName.RDP, AccountantName.PLD)


@dataclass(frozen=True)
class PlannedBound:
    """One accountant's answer.

    Attributes:
      accountant: which.
      epsilon: its bound; None where it has none.
      reason: why it has none; empty otherwise.
    """

    accountant: AccountantName
    epsilon: float | None
    reason: str = ""


@dataclass(frozen=True)
class Plan:
    """What a run will spend and how much noise it adds.

    Attributes:
      mechanism, relation, delta: as asked.
      noise_multiplier: as asked, or the least that reaches the target.
      epsilon: the smallest sound bound, which the service enforces.
      accountant: which bound that is.
      bounds: of every accountant.
      noise_on_sum: standard deviation of a coordinate, in clipping norms.
      noise_on_mean: the same over the denominator; None when it was not told.
      denominator: the public number that a sum is divided by; None when it was not told.
      noise_of: whose noise that is.
      holds_when: what must be true for it to hold.
      event: all that one unit is charged with, as a document.
    """

    mechanism: str
    relation: NeighbourRelation
    delta: float
    noise_multiplier: float
    epsilon: float
    accountant: AccountantName
    bounds: tuple[PlannedBound, ...]
    noise_on_sum: float
    noise_on_mean: float | None
    denominator: float | None
    noise_of: str
    holds_when: str
    event: Mapping[str, object]


def plan(
    mechanism: Mechanism,
    *,
    delta: float,
    noise_multiplier: float | None = None,
    target_epsilon: float | None = None,
    relation: NeighbourRelation | None = None,
) -> Plan:
    """Return what a noise multiplier spends, or the least one that stays within `target_epsilon`; give one of them.

    Raises:
      InvalidArgumentError: a number outside its range, both of them or none.
      ConfigurationError: the mechanism cannot be accounted for under the relation, or no noise reaches the target.
    """
    relation = mechanism.relations[0] if relation is None else relation
    if relation not in mechanism.relations:
        allowed = f"{' or '.join(each.value for each in mechanism.relations)} (mechanism {mechanism.name})"
        raise ConfigurationError.of("relation", relation.value, allowed)
    if not 0 < delta < 1:
        raise InvalidArgumentError.of("delta", delta, "between 0 and 1, exclusive")
    if (noise_multiplier is None) == (target_epsilon is None):
        raise InvalidArgumentError.of("noise_multiplier", noise_multiplier, "either it or target_epsilon")
    if noise_multiplier is None:
        target = _target(target_epsilon)
        noise_multiplier = least_noise_multiplier(mechanism, relation, target, delta)
    return _planned(mechanism, relation, delta, noise_multiplier)


def _planned(mechanism: Mechanism, relation: NeighbourRelation, delta: float, noise_multiplier: float) -> Plan:
    accountant = Accountant(relation)
    event = mechanism.event(noise_multiplier)
    accountant.compose(event)
    found, enforced = accountant.bounds(delta), accountant.epsilon(delta)
    noise = mechanism.noise_on_sum(noise_multiplier)
    return Plan(
        mechanism=mechanism.name,
        relation=relation,
        delta=delta,
        noise_multiplier=noise_multiplier,
        epsilon=enforced.epsilon,
        accountant=enforced.accountant,
        bounds=tuple(_bound(name, found, accountant) for name in _ALL),
        noise_on_sum=noise,
        noise_on_mean=None if mechanism.denominator is None else noise / mechanism.denominator,
        denominator=mechanism.denominator,
        noise_of=mechanism.noise_of,
        holds_when=mechanism.holds_when,
        event=event_to_document(event),
    )


def _bound(name: AccountantName, found: tuple[Spent, ...], accountant: Accountant) -> PlannedBound:
    for bound in found:
        if bound.accountant is name:
            return PlannedBound(name, bound.epsilon)
    return PlannedBound(name, None, _reason(name, accountant))


def _reason(name: AccountantName, accountant: Accountant) -> str:
    composition = accountant.composition
    if name is AccountantName.CLOSED_FORM:
        return "for Gaussian releases without sampling"
    if name is AccountantName.PLD and composition.has_pld:
        return f"not computed above epsilon {LARGEST_PLD_EPSILON:g}"
    return f"not sound for this event under {accountant.relation.value}"


def _target(target_epsilon: float | None) -> float:
    if target_epsilon is None or not 0 < target_epsilon <= LARGEST_TARGET:
        raise InvalidArgumentError.of("target_epsilon", target_epsilon, f"above 0, at most {LARGEST_TARGET:g}")
    return target_epsilon
