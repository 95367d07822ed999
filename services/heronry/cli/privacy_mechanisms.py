"""The mechanisms that can be planned, and the flags that each of them takes."""

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from heronry.types.errors import ConfigurationError

if TYPE_CHECKING:
    from heronry.privacy.accounting import Mechanism


@dataclass(frozen=True)
class Flags:
    """What was asked of a run; None where a flag was left out."""

    rounds: int | None = None
    sampling_rate: float | None = None
    clients: int | None = None
    cohort: int | None = None
    cap: int | None = None
    participations: int | None = None
    horizon: int | None = None
    sensitivity: float | None = None
    parameters: int | None = None


# Needed, and allowed besides; `--sampling-rate` or `--clients` with `--cohort` stand for each other.
MECHANISMS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "poisson": (("rounds",), ("sampling_rate", "clients", "cohort")),
    "truncated-poisson": (("rounds", "clients", "cap"), ("sampling_rate", "cohort")),
    "without-replacement": (("rounds", "clients", "cohort"), ()),
    "fixed": (("rounds",), ("clients", "cohort", "participations")),
    "correlated": (("rounds",), ("clients", "cohort", "horizon", "sensitivity")),
    "tree": (("rounds",), ("clients", "cohort", "horizon")),
    "local": (("rounds",), ("clients", "cohort", "participations")),
    "distributed": (("rounds", "cohort", "parameters"), ("clients", "participations")),
}


def flag_of(field: str) -> str:
    """Return a field's flag."""
    return f"--{field.replace('_', '-')}"


def missing_flag(flag: str, allowed: str) -> ConfigurationError:
    """Make the error for a flag that was left out."""
    details = {"field": flag, "value": "", "allowed": allowed}
    return ConfigurationError(f"{flag}: missing, allowed: {allowed}", details=details)


def mechanism_of(name: str, flags: Flags) -> "Mechanism":
    """Return the mechanism that the flags describe.

    Raises:
      ConfigurationError: no such mechanism, a flag that it needs is missing or one that it does not use is there.
    """
    if name not in MECHANISMS:
        raise ConfigurationError.of("--mechanism", name, ", ".join(MECHANISMS))
    _check_flags(name, flags)
    if name.endswith("poisson"):
        return _sampled(name, flags)
    return _without_replacement(flags) if name == "without-replacement" else _unamplified(name, flags)


def _check_flags(name: str, flags: Flags) -> None:
    needed, allowed = MECHANISMS[name]
    for field in fields(flags):
        value = getattr(flags, field.name)
        if value is None and field.name in needed:
            raise missing_flag(flag_of(field.name), f"a value: --mechanism {name} needs it")
        if value is not None and field.name not in needed + allowed:
            used = ", ".join(flag_of(each) for each in needed + allowed)
            raise ConfigurationError.of(flag_of(field.name), value, f"nothing: --mechanism {name} takes {used}")
        if isinstance(value, int) and value < 1:
            raise ConfigurationError.of(flag_of(field.name), value, "a whole number, 1 or more")
    if flags.cohort is not None and flags.clients is not None and flags.cohort > flags.clients:
        raise ConfigurationError.of("--cohort", flags.cohort, f"at most {flags.clients} (--clients)")


def _sampled(name: str, flags: Flags) -> "Mechanism":
    from heronry.privacy.accounting import PoissonCohorts, TruncatedPoissonCohorts  # NumPy

    rate = _rate(flags)
    if name == "poisson":
        expected = rate * flags.clients if flags.clients else flags.cohort
        return PoissonCohorts(rate, flags.rounds or 0, None if expected is None else float(expected))
    return TruncatedPoissonCohorts(flags.clients or 0, rate, flags.cap or 0, flags.rounds or 0)


def _rate(flags: Flags) -> float:
    """Return the sampling rate: as given, or the cohort's share of the clients."""
    if flags.sampling_rate is None:
        if flags.clients is None or flags.cohort is None:
            raise missing_flag("--sampling-rate", "a value, or --clients and --cohort")
        return flags.cohort / flags.clients
    if flags.cohort is not None and flags.clients is not None:
        raise ConfigurationError.of("--sampling-rate", flags.sampling_rate, "either it or --clients with --cohort")
    return flags.sampling_rate


def _without_replacement(flags: Flags) -> "Mechanism":
    from heronry.privacy.accounting import CohortsWithoutReplacement  # NumPy

    return CohortsWithoutReplacement(flags.clients or 0, flags.cohort or 0, flags.rounds or 0)


def _unamplified(name: str, flags: Flags) -> "Mechanism":
    from heronry.privacy import accounting  # NumPy

    rounds, size = flags.rounds or 0, None if flags.cohort is None else float(flags.cohort)
    times = rounds if flags.participations is None else flags.participations
    if times > rounds:
        raise ConfigurationError.of("--participations", times, f"at most {rounds} (--rounds)")
    horizon = rounds if flags.horizon is None else flags.horizon
    num_horizons = math.ceil(rounds / horizon)
    match name:
        case "fixed":
            return accounting.FixedCohorts(times, size)
        case "local":
            return accounting.LocalNoise(times, size)
        case "correlated":
            sensitivity = 1.0 if flags.sensitivity is None else flags.sensitivity
            return accounting.CorrelatedHorizons(num_horizons, sensitivity, size)
        case "tree":
            return accounting.TreeHorizons(horizon, num_horizons, size)
        case _:
            return accounting.SkellamShares(times, flags.parameters or 0, flags.cohort or 0)
