"""`heronry up`: a mesh that stays, in the foreground."""

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from heronry.cli.mesh_state import MeshState, ServiceEntry, remove_state, start_ticks
from heronry.launch.local import LocalMesh, LocalMeshSettings
from heronry.types.errors import AlreadyExistsError, DeadlineExceededError

SERVING_TIMEOUT_S = 60.0


def up(
    context: typer.Context,
    fleets: Annotated[int, typer.Option(help="Fleets to start.")] = 1,
    data_dir: Annotated[Path, typer.Option(help="Where the runs' folders go.")] = Path("runs"),
    is_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> int:
    """Run an idle mesh on this machine until Ctrl-C or `heronry down`."""
    former = MeshState.read()
    if former is not None:
        raise AlreadyExistsError(f"a mesh is up already (process {former.pid}, {former.address}); heronry down ends it")
    log_level = "debug" if context.obj else "info"
    settings = LocalMeshSettings(data_dir, data_dir / "logs", num_fleets=fleets, has_tcp=True, log_level=log_level)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with LocalMesh(settings) as mesh:
        try:
            _hold(mesh, settings, stop, is_json=is_json)
        finally:
            remove_state()
    return 0


def _hold(mesh: LocalMesh, settings: LocalMeshSettings, stop: threading.Event, *, is_json: bool) -> None:
    _wait_until_serving(mesh, stop)
    if stop.is_set():
        return
    state = _state_of(mesh, settings)
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


def _state_of(mesh: LocalMesh, settings: LocalMeshSettings) -> MeshState:
    entries = tuple(ServiceEntry(service.role, service.instance, service.addresses) for service in mesh.services)
    tcp = next(address for entry in entries if entry.role == "coordinator" for address in entry.addresses[1:])
    return MeshState(
        pid=os.getpid(),
        process_start_ticks=start_ticks(os.getpid()),
        address=tcp,
        data_dir=str(settings.data_dir.resolve()),
        log_dir=str(settings.log_dir.resolve()),
        services=tuple(sorted(entries, key=lambda entry: entry.addresses[1:])),
    )


def _show(state: MeshState, *, is_json: bool) -> None:
    from dataclasses import asdict  # as rich below, only once everything serves

    from rich.table import Table

    from heronry.cli.output import console_for, print_json

    console = console_for(is_json=is_json)
    table = Table("service", "address", "socket", box=None)
    for entry in state.services:
        table.add_row(entry.instance, entry.addresses[-1], entry.addresses[0])
    console.print(table)
    console.print(f"\nthe mesh is up: train on it with   heronry train cartpole --address {state.address}")
    console.print("it stays until Ctrl-C or `heronry down`")
    if is_json:
        print_json(asdict(state))
