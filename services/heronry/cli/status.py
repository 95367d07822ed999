"""`heronry status`: the services of a mesh and its runs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, cast

import typer

from heronry.cli.mesh_state import MeshState
from heronry.cli.output import console_for, print_json
from heronry.launch.ports import COORDINATOR_PORT, LOOPBACK

if TYPE_CHECKING:
    from rich.console import Console

ACTIVE_STATES = ("pending", "running", "paused", "finishing")


def status(
    address: Annotated[str, typer.Option(help="A coordinator; otherwise the mesh that is up.")] = "",
    is_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the services with addresses, leases and figures, and the runs."""
    from heronry.cli.coordinator import mesh_fields  # grpc is slow to load

    state = MeshState.read()
    where = address or (state.address if state is not None else f"{LOOPBACK}:{COORDINATOR_PORT}")
    fields = mesh_fields(where)
    _show(console_for(is_json=is_json), fields)
    if is_json:
        print_json(fields)


def _show(console: "Console", fields: Mapping[str, object]) -> None:
    from rich.table import Table  # as above

    table = Table("service", "addresses", "lease", "starts", "memory", "cpu", "figures", box=None)
    for service in cast("Sequence[Mapping[str, object]]", fields["services"]):
        table.add_row(*_row(service))
    console.print(table)
    for run in cast("Sequence[Mapping[str, object]]", fields["runs"]):
        if run["state"] in ACTIVE_STATES:
            console.print(
                f"\nrun {run['run_id']}: {run['state']}, {run['env_steps']:,} steps, {run['updates']:,} updates"
            )


def _row(service: Mapping[str, object]) -> tuple[str, ...]:
    figures = cast("Mapping[str, float]", service["figures"])
    addresses = cast("Sequence[str]", service["addresses"])
    return (
        str(service["instance"]),
        "\n".join(addresses),
        f"{service['lease_remaining_s']:.0f} s" if service["has_lease"] else "lost",
        str(service["num_starts"]),
        f"{cast('int', service['resident_bytes']) / 1e6:.0f} MB",
        f"{service['cpu_time_s']:.1f} s",
        ", ".join(f"{name} {value:,.6g}" for name, value in sorted(figures.items())[:4]),
    )
