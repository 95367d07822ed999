"""`heronry privacy plan`: what people and programs see."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from heronry.cli.privacy_mechanisms import Flags, flag_of, mechanism_of, missing_flag
from heronry.cli.screen import print_line, print_table
from heronry.privacy.accounting import Plan, plan
from heronry.types.errors import ConfigurationError, InvalidArgumentError
from heronry.types.privacy import NeighbourRelation

if TYPE_CHECKING:
    from rich.console import Console

Fields = Mapping[str, object]


def plan_fields(
    mechanism: str,
    relation: str,
    flags: Flags,
    delta: float | None,
    noise_multiplier: float | None,
    target_epsilon: float | None,
) -> dict[str, object]:
    """Return a plan as JSON values.

    Raises:
      ConfigurationError: names the flag that is missing, not used or outside its range.
    """
    if delta is None:
        raise missing_flag("--delta", "a value below 1 / clients")
    if noise_multiplier is None and target_epsilon is None:
        raise missing_flag("--noise-multiplier", "either it or --target-epsilon")
    if noise_multiplier is not None and target_epsilon is not None:
        raise ConfigurationError.of("--noise-multiplier", noise_multiplier, "either it or --target-epsilon")
    if flags.clients is not None and flags.clients > 0 and delta >= 1 / flags.clients:
        allowed = f"below {1 / flags.clients:.3g} (1 / --clients): a claim at more can give one client away whole"
        raise ConfigurationError.of("--delta", delta, allowed)
    try:
        planned = plan(
            mechanism_of(mechanism, flags),
            delta=delta,
            noise_multiplier=noise_multiplier,
            target_epsilon=target_epsilon,
            relation=_relation_of(relation),
        )
    except InvalidArgumentError as error:
        raise _by_flag(error) from error
    return _fields_of(planned, flags, target_epsilon)


def show_plan(console: "Console", planned: Fields) -> None:
    """Print what was asked, every accountant's answer, the noise that is left on the mean and what it all rests on."""
    noise = cast("float", planned["noise_multiplier"])
    asked = planned["target_epsilon"]
    print_line(console, f"mechanism {planned['mechanism']}, relation {planned['relation']}, delta {planned['delta']:g}")
    found = f"the least for epsilon {asked:g}" if asked is not None else "as given"
    print_line(console, f"  noise multiplier {noise:.6g} ({found})")
    rows = [_row(bound, planned) for bound in cast("Sequence[Fields]", planned["bounds"])]
    print_table(console, ("accountant", "epsilon", ""), rows, "")
    print_line(console, f"  noise on the mean, a coordinate of {planned['noise_of']}: {_noise_text(planned)}")
    print_line(console, f"  holds when {planned['holds_when']}")
    if planned["clients"] is None:
        print_line(console, "  delta has to stay below 1 / clients: --clients has it checked")


def _row(bound: Fields, planned: Fields) -> tuple[str, str, str]:
    name, epsilon = cast("str", bound["accountant"]), cast("float | None", bound["epsilon"])
    if epsilon is None:
        return (name, "-", cast("str", bound["reason"]))
    return (name, f"{epsilon:.4f}", "enforced" if name == planned["accountant"] else "")


def _noise_text(planned: Fields) -> str:
    noise, denominator = cast("float", planned["noise_on_sum"]), cast("float | None", planned["denominator"])
    if denominator is None:
        return f"{noise:.4g} C / D (C: clipping norm; --cohort or --clients tell D, what a sum is divided by)"
    mean = noise / denominator
    return f"{noise:.4g} C / {denominator:g} = {mean:.3g} C (C: clipping norm, the most that one client moves a sum)"


def _relation_of(name: str) -> NeighbourRelation | None:
    if not name:
        return None
    for relation in NeighbourRelation:
        if relation.value == name.replace("-", "_"):
            return relation
    raise ConfigurationError.of("--relation", name, ", ".join(relation.value for relation in NeighbourRelation))


def _by_flag(error: InvalidArgumentError) -> InvalidArgumentError:
    """Return the error with its field written as the flag that the user gave."""
    field, value = error.details.get("field", ""), error.details.get("value", "")
    name = field.rsplit(".", 1)[-1]
    if not field or name.startswith("--"):
        return error
    allowed = error.details["allowed"]
    details = {"field": flag_of(name), "value": value, "allowed": allowed}
    return ConfigurationError(f"{flag_of(name)}: got {value}, allowed: {allowed}", details=details)


def _fields_of(planned: Plan, flags: Flags, target_epsilon: float | None) -> dict[str, object]:
    return {
        "mechanism": planned.mechanism,
        "relation": planned.relation.value,
        "delta": planned.delta,
        "target_epsilon": target_epsilon,
        "noise_multiplier": planned.noise_multiplier,
        "epsilon": _finite(planned.epsilon),
        "accountant": planned.accountant.value,
        "bounds": [
            {"accountant": each.accountant.value, "epsilon": _finite(each.epsilon), "reason": each.reason}
            for each in planned.bounds
        ],
        "noise_on_sum": planned.noise_on_sum,
        "noise_on_mean": planned.noise_on_mean,
        "denominator": planned.denominator,
        "clients": flags.clients,
        "rounds": flags.rounds,
        "noise_of": planned.noise_of,
        "holds_when": planned.holds_when,
        "event": planned.event,
    }


def _finite(epsilon: float | None) -> float | None:
    """Return an epsilon as JSON knows it: it has no infinity."""
    return epsilon if epsilon is not None and math.isfinite(epsilon) else None
