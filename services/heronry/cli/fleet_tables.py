"""`heronry fleet status`: the figures of a fleet."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from heronry.cli.access import Access
from heronry.cli.fleet_service import ask_fleet
from heronry.cli.screen import print_line, print_table
from heronry.client.fleet import FleetClient
from heronry.types.run import FleetStatistics

if TYPE_CHECKING:
    from rich.console import Console


def statistics_fields(access: Access) -> dict[str, object]:
    """Return what a fleet has done as JSON can carry it."""
    return fields_of(ask_fleet(access, FleetClient.statistics))


def fields_of(found: FleetStatistics) -> dict[str, object]:
    """Return figures as JSON can carry them."""
    version = found.behaviour_version
    return {
        "run_id": found.run_id,
        "environment": found.environment,
        "engine": found.engine,
        "policy": found.policy,
        "environments": found.num_environments,
        "steps": found.num_steps,
        "steps_per_s": found.steps_per_second,
        "unrolls": found.num_unrolls,
        "unrolls_too_old": found.num_unrolls_too_old,
        "episodes": found.num_episodes,
        "mean_return": found.mean_return,
        "mean_length": found.mean_length,
        "behaviour_version": None if version is None else {"epoch": version.epoch, "number": version.number},
        "policy_lag": {str(lag): count for lag, count in sorted(found.policy_lag.items())},
        "environment_s": found.environment_time_s,
        "inference_s": found.inference_time_s,
        "waiting_s": found.waiting_time_s,
        "restarts": found.num_restarts,
        "failures": [
            {"environment": f.environment_index, "seed": f.seed, "step": f.step, "reason": f.reason}
            for f in found.failures
        ],
    }


def show_statistics(console: "Console", fields: Mapping[str, object]) -> None:
    """Print the figures of one fleet, a line an idea."""
    if not fields["run_id"]:
        print_line(console, "idle: no run is assigned to this fleet")
        return
    print_line(console, f"run {fields['run_id']}: {fields['environments']} lanes of {fields['environment']}")
    print_line(console, f"  engine: {fields['engine'] or '-'}; policy: {fields['policy'] or '-'}")
    steps, pace, unrolls = (cast(float, fields[n]) for n in ("steps", "steps_per_s", "unrolls"))
    print_line(console, f"  steps: {steps:,.0f} in {unrolls:,.0f} unrolls, now {pace:,.0f}/s")
    _show_episodes(console, fields)
    _show_lag(console, fields)
    _show_times(console, fields)
    _show_failures(console, fields)


def _show_episodes(console: "Console", fields: Mapping[str, object]) -> None:
    episodes, mean_return, mean_length = (cast(float, fields[n]) for n in ("episodes", "mean_return", "mean_length"))
    last = f"; the last 100: mean return {mean_return:,.4g}, mean length {mean_length:,.1f}" if episodes else ""
    print_line(console, f"  episodes: {episodes:,.0f}{last}")


def _show_lag(console: "Console", fields: Mapping[str, object]) -> None:
    version = cast("Mapping[str, int] | None", fields["behaviour_version"])
    lags = cast("Mapping[str, int]", fields["policy_lag"])
    acting = "none yet" if version is None else f"{version['number']} of epoch {version['epoch']}"
    print_line(console, f"  acting version: {acting}; unrolls too old: {fields['unrolls_too_old']}")
    total = sum(lags.values())
    for lag, count in lags.items():
        print_line(console, f"  lag {lag:>3}: {count:>10,} unrolls  {'#' * max(1, round(40 * count / total))}")


def _show_times(console: "Console", fields: Mapping[str, object]) -> None:
    spent = {name: cast(float, fields[f"{name}_s"]) for name in ("environment", "inference", "waiting")}
    total = sum(spent.values()) or 1.0
    parts = ", ".join(f"{name} {seconds:,.1f} s ({seconds / total:.0%})" for name, seconds in spent.items())
    print_line(console, f"  time: {parts}")


def _show_failures(console: "Console", fields: Mapping[str, object]) -> None:
    failures = cast("Sequence[Mapping[str, object]]", fields["failures"])
    print_line(console, f"  environments begun anew: {fields['restarts']}")
    rows = [[str(f["environment"]), str(f["seed"]), str(f["step"]), str(f["reason"])] for f in failures]
    if rows:
        print_table(console, ("environment", "seed", "step", "reason"), rows, "")
