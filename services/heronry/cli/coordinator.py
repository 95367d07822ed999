"""What commands ask a coordinator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from heronry.cli.access import Access
from heronry.client.coordinator import CoordinatorClient
from heronry.client.options import ConnectionOptions
from heronry.types.errors import ConfigurationError, DeadlineExceededError, UnavailableError
from heronry.types.run import RunStatus, ServiceInfo, ServiceRole
from heronry.wire.addresses import UNIX_PREFIX, parse_address

T = TypeVar("T")
QUESTION_TIMEOUT_S = 4.0


@contextlib.asynccontextmanager
async def connect_to_coordinator(
    address: str, *, retry_s: float = 5.0, options: ConnectionOptions | None = None
) -> AsyncIterator[CoordinatorClient]:
    """Give a client of the coordinator at `address`, closed afterwards; `options` have a `retry_s` of their own."""
    async with CoordinatorClient(address, options or ConnectionOptions(retry_s=retry_s)) as client:
        yield client


async def wait_for_socket(address: str, timeout_s: float) -> None:
    """Wait until a UNIX socket is there; other addresses are not waited for.

    A channel that finds nobody backs off for up to a second; a look at the file costs nothing.
    """
    if not address.startswith(UNIX_PREFIX):
        return
    path = Path(address.removeprefix(UNIX_PREFIX))
    async with asyncio.timeout(timeout_s):
        while not path.is_socket():  # noqa: ASYNC110, ASYNC240 - a file tells nobody that it appeared
            await asyncio.sleep(0.02)


def registered_instances(address: str) -> set[str]:
    """Return the instances that hold a lease; none while the coordinator does not answer."""

    async def ask() -> set[str]:
        async with connect_to_coordinator(address, retry_s=0.0) as coordinator:
            services = await coordinator.list_services()
        return {service.instance for service in services if service.has_lease}

    try:
        return asyncio.run(asyncio.wait_for(ask(), QUESTION_TIMEOUT_S))
    except (UnavailableError, DeadlineExceededError, TimeoutError):
        return set()


def mesh_fields(address: str, access: Access) -> dict[str, object]:
    """Return the services and runs of a mesh as plain values.

    Raises:
      ConfigurationError: no coordinator answers there, or an option wants another beside it.
    """
    options = access.connection_options(retry_s=1.0)

    async def ask() -> dict[str, object]:
        async with connect_to_coordinator(address, options=options) as coordinator:
            services, runs = await asyncio.gather(coordinator.list_services(), coordinator.list_runs())
        return {
            "address": address,
            "services": [_coordinator_fields(address), *(service_fields(service) for service in services)],
            "runs": [run_fields(run) for run in runs],
        }

    return _answer(address, ask, access.tls_hint())


def require_coordinator(address: str) -> None:
    """Ask the coordinator at `--address` for a sign of life.

    Raises:
      ConfigurationError: it is no address, or no coordinator answers there.
    """

    async def ask() -> None:
        async with connect_to_coordinator(address, retry_s=1.0) as coordinator:
            await coordinator.list_services()

    _answer(address, ask)


def _answer(address: str, question: Callable[[], Coroutine[object, object, T]], hint: str = "") -> T:
    parse_address(address, "--address")
    try:
        return asyncio.run(asyncio.wait_for(question(), QUESTION_TIMEOUT_S))
    except (UnavailableError, DeadlineExceededError, TimeoutError):
        allowed = f"one where a coordinator answers (`heronry up` starts a mesh){hint}"
        raise ConfigurationError.of("--address", address, allowed) from None


def service_fields(service: ServiceInfo) -> dict[str, object]:
    """Return a registered service as JSON can carry it."""
    return {
        "role": service.role.value,
        "instance": service.instance,
        "addresses": list(service.addresses),
        "build": service.build,
        "has_lease": service.has_lease,
        "lease_remaining_s": service.lease_remaining_s,
        "num_starts": service.num_starts,
        "resident_bytes": service.resident_bytes,
        "cpu_time_s": service.cpu_time_s,
        "run_id": service.progress.run_id,
        "figures": dict(service.progress.figures),
    }


def _coordinator_fields(address: str) -> dict[str, object]:
    # It keeps the registry and is not in it; the address is the one that has just answered.
    return {
        **service_fields(ServiceInfo(ServiceRole.COORDINATOR, "coordinator-0", 0, (address,))),
        "lease_remaining_s": None,
        "num_starts": None,
        "resident_bytes": None,
        "cpu_time_s": None,
    }


def run_fields(run: RunStatus) -> dict[str, object]:
    """Return a run's status as JSON can carry it."""
    evaluation = run.evaluation
    return {
        "run_id": run.run_id,
        "state": run.state.value,
        "env_steps": run.env_steps,
        "updates": run.updates,
        "episodes": run.episodes,
        "mean_return": run.mean_return,
        "evaluation_mean": None if evaluation is None else evaluation.mean_return,
        "elapsed_s": run.elapsed_s,
        "message": run.message,
        "run_dir": run.run_dir,
    }
