"""Which accountant is sound for which event under which relation, and how an event looks under a relation.

An event's noise is relative to the bound of ONE unit's contribution. Under replace-one a sum moves by twice that
bound. dp-accounting's loss distributions count it; its Rényi accountant does not: a Gaussian of 1 costs it 4.73 under
every relation (delta 1e-5), where the truth under replace-one is 10.0. So the Rényi accountant is given half the noise.
"""

from collections.abc import Mapping
from typing import Final, cast

from heronry.privacy.accounting.event_fields import FIELDS
from heronry.privacy.accounting.events import Event, field_of, gaussian, name_of, new_event, real_of
from heronry.privacy.accounting.skellam import SkellamDpEvent
from heronry.types.errors import ConfigurationError
from heronry.types.privacy import NeighbourRelation

_ANY: Final = frozenset(NeighbourRelation)
_ZEROABLE: Final = frozenset((NeighbourRelation.ADD_OR_REMOVE_ONE, NeighbourRelation.ZERO_OUT_ONE))
_REPLACED: Final = frozenset((NeighbourRelation.REPLACE_ONE,))
_ZEROED: Final = frozenset((NeighbourRelation.ZERO_OUT_ONE,))
_NONE: Final[frozenset[NeighbourRelation]] = frozenset()

RDP_RELATIONS: Final[Mapping[str, frozenset[NeighbourRelation]]] = {
    "GaussianDpEvent": _ANY,
    "PoissonSampledDpEvent": _ZEROABLE,
    "SampledWithoutReplacementDpEvent": _REPLACED,
    "SingleEpochTreeAggregationDpEvent": _ZEROED,
    "ZCDpEvent": _ANY,
    "SkellamDpEvent": _ANY,
    "NonPrivateDpEvent": _ANY,
}
PLD_RELATIONS: Final[Mapping[str, frozenset[NeighbourRelation]]] = {
    "GaussianDpEvent": _ANY,
    "PoissonSampledDpEvent": _ANY,
    "TruncatedSubsampledGaussianDpEvent": _ANY,
    "NonPrivateDpEvent": _ANY,
}


def has_rdp(event: Event, relation: NeighbourRelation) -> bool:
    """Tell whether the Rényi accountant is sound for a mechanism."""
    return relation in RDP_RELATIONS.get(name_of(event), _NONE)


def has_pld(event: Event, relation: NeighbourRelation) -> bool:
    """Tell whether loss distributions are sound for a mechanism."""
    return relation in PLD_RELATIONS.get(name_of(event), _NONE)


def check_supported(event: Event, relation: NeighbourRelation) -> None:
    """Refuse a mechanism that no accountant is sound for under the relation.

    Raises:
      ConfigurationError: names the event, the relation and the relations that it has.
    """
    name = name_of(event)
    having = RDP_RELATIONS.get(name, _NONE) | PLD_RELATIONS.get(name, _NONE)
    if relation not in having:
        allowed = f"{' or '.join(sorted(each.value for each in having))} (no accountant is sound for {name} otherwise)"
        raise ConfigurationError.of("privacy.relation", relation.value, allowed)
    if name == "ZCDpEvent" and relation is NeighbourRelation.REPLACE_ONE and real_of(event, "xi") > 0:
        allowed = "add_or_remove_one or zero_out_one (replacing is removing and adding: known for xi = 0 alone)"
        raise ConfigurationError.of("privacy.relation", relation.value, allowed)


def seen_under(event: Event, relation: NeighbourRelation) -> Event:
    """Return a mechanism as the Rényi accountant is to see it: at the sensitivity that the relation gives."""
    if relation is not NeighbourRelation.REPLACE_ONE:
        return event
    if isinstance(event, SkellamDpEvent):
        return event.scaled(2)
    match name_of(event):
        case "GaussianDpEvent":
            return _halved(event)
        case "PoissonSampledDpEvent" | "SampledWithoutReplacementDpEvent" as name:
            fields = {field: field_of(event, field) for field in FIELDS[name]}
            return new_event(name, **fields | {"event": _halved(cast("Event", fields["event"]))})
        case "ZCDpEvent":
            # Bun and Steinke 2016, Proposition 1.9: two steps cost four times as much.
            return new_event("ZCDpEvent", rho=4 * real_of(event, "rho"), xi=0.0)
        case _:
            return event


def gaussian_multiplier(event: Event, relation: NeighbourRelation) -> float:
    """Return a Gaussian's noise over the sensitivity that the relation gives."""
    return real_of(seen_under(event, relation), "noise_multiplier")


def _halved(event: Event) -> Event:
    return gaussian(real_of(event, "noise_multiplier") / 2)
