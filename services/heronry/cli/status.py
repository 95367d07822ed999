"""`heronry status`: the services of a mesh and its runs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer

from heronry.cli.access import Access, reaches_service
from heronry.cli.mesh_state import MeshState
from heronry.cli.output import console_for, print_json
from heronry.cli.screen import print_line
from heronry.launch.ports import COORDINATOR_PORT, LOOPBACK

if TYPE_CHECKING:
    from rich.console import Console

# Of what services report, what tells a person whether they are at work, short enough for one line; --json has all.
FIGURES = {
    "env_steps": "{:,.0f} steps",
    "steps_per_s": "{:,.0f}/s",
    "updates": "{:,.0f} updates",
    "versions": "version {:,.0f}",
    "items": "{:,.0f} items",
}
ACTIVE_STATES = ("pending", "running", "paused", "finishing")


@reaches_service
def status(
    access: Access,
    is_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the services with addresses, leases and figures, and the runs."""
    from heronry.cli.coordinator import mesh_fields  # grpc is slow to load

    state = MeshState.read()
    where = access.address or (state.address if state is not None else f"{LOOPBACK}:{COORDINATOR_PORT}")
    fields = mesh_fields(where, access)
    _show(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


def _show(console: "Console", fields: Mapping[str, object]) -> None:
    from rich.table import Table  # as above

    table = Table("service", "address", "lease", "memory", "cpu", "figures", box=None)
    for service in cast("Sequence[Mapping[str, object]]", fields["services"]):
        table.add_row(*_row(service))
    console.print(table)
    for run in cast("Sequence[Mapping[str, object]]", fields["runs"]):
        if run["state"] in ACTIVE_STATES:
            told = f"; {run['message']}" if run["message"] else ""
            console.print()
            print_line(
                console,
                f"run {run['run_id']}: {run['state']}, {run['env_steps']:,} steps, {run['updates']:,} updates{told}",
            )


def _row(service: Mapping[str, object]) -> tuple[str, ...]:
    figures = cast("Mapping[str, float]", service["figures"])
    addresses = cast("Sequence[str]", service["addresses"])
    return (
        str(service["instance"]),
        addresses[-1],
        _amount(service["lease_remaining_s"], "s") if service["has_lease"] else "lost",
        _amount(service["resident_bytes"], "MB", 1e6),
        _amount(service["cpu_time_s"], "s"),
        ", ".join(
            _restarts(service) + [text.format(figures[name]) for name, text in FIGURES.items() if name in figures]
        ),
    )


def _restarts(service: Mapping[str, object]) -> list[str]:
    num_starts = service["num_starts"]
    return [f"{num_starts} starts"] if isinstance(num_starts, int) and num_starts > 1 else []


def _amount(value: object, unit: str = "", scale: float = 1.0) -> str:
    return f"{value / scale:.0f} {unit}".strip() if isinstance(value, int | float) else "-"
