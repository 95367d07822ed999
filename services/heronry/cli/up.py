"""`heronry up`: a mesh that stays, in the foreground."""

import os
import signal
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.mesh_state import MeshState, ServiceEntry
from heronry.cli.usage import require_range
from heronry.launch.layout import make_writable
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.launch.ports import COORDINATOR_PORT, LOOPBACK, MAX_FLEETS_WITH_PORTS
from heronry.launch.processes import start_ticks
from heronry.types.errors import DeadlineExceededError

SERVING_TIMEOUT_S = 60.0


def up(
    context: typer.Context,
    fleets: Annotated[int, typer.Option(help="Fleets to start.")] = 1,
    data_dir: Annotated[Path, typer.Option(help="Where the runs' folders go.")] = Path("runs"),
    is_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> int:
    """Run an idle mesh on this machine until Ctrl-C or `heronry down`."""
    require_range("--fleets", fleets, 1, MAX_FLEETS_WITH_PORTS)
    make_writable(data_dir, "--data-dir")
    log_level = "debug" if context.obj else "info"
    settings = LocalMeshSettings(data_dir, data_dir / "logs", num_fleets=fleets, has_tcp=True, log_level=log_level)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    state = _starting_state(settings)
    state.claim()
    try:
        with LocalMesh(settings) as mesh:
            _hold(mesh, state, stop, is_json=is_json)
    finally:
        state.remove()
    return 0


def _hold(mesh: LocalMesh, starting: MeshState, stop: threading.Event, *, is_json: bool) -> None:
    _wait_until_serving(mesh, stop)
    if stop.is_set():
        return
    entries = (ServiceEntry(service.role, service.instance, service.addresses) for service in mesh.services)
    state = replace(starting, services=tuple(sorted(entries, key=lambda entry: entry.addresses[1:])))
    state.write()
    _show(state, is_json=is_json)
    while not stop.wait(0.2):
        if mesh.supervisor.failure is not None:
            raise mesh.supervisor.failure


def _wait_until_serving(mesh: LocalMesh, stop: threading.Event) -> None:
    from heronry.cli.coordinator import registered_instances  # grpc loads while the services start

    # The coordinator is not in its own registry; its answer shows that it serves.
    wanted = {service.instance for service in mesh.services if service.role != "coordinator"}
    waits = int(SERVING_TIMEOUT_S / 0.1)
    missing = wanted
    for _ in range(waits):
        if mesh.supervisor.failure is not None:
            raise mesh.supervisor.failure
        missing = wanted - registered_instances(mesh.address)
        if not missing or stop.wait(0.1):
            return
    raise DeadlineExceededError(f"not serving after {SERVING_TIMEOUT_S:g} s: {', '.join(sorted(missing))}")


def _starting_state(settings: LocalMeshSettings) -> MeshState:
    """Return what is known before anything is started; the services are added once they serve."""
    return MeshState(
        pid=os.getpid(),
        process_start_ticks=start_ticks(os.getpid()),
        address=f"{LOOPBACK}:{COORDINATOR_PORT}",
        data_dir=str(settings.data_dir.resolve()),
        log_dir=str(settings.log_dir.resolve()),
        services=(),
    )


def _show(state: MeshState, *, is_json: bool) -> None:
    from heronry.cli.output import console_for, print_json  # only once everything serves

    console = console_for(is_json=is_json)
    # Lines, not a table of rich's: a narrow terminal must not break an address that is to be copied.
    rows = [("service", "address", "socket")]
    rows += [(entry.instance, entry.addresses[-1], entry.addresses[0]) for entry in state.services]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    for row in rows:
        console.print(f"{row[0]:<{first}}  {row[1]:<{second}}  {row[2]}", markup=False)
    console.print("\nthe mesh is up until Ctrl-C or `heronry down`; train on it with:")
    console.print(f"  heronry train cartpole --address {state.address}", markup=False)
    if is_json:
        print_json(asdict(state))
