"""How commands reach one service of a mesh, and what they say when nobody is there."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from heronry.cli.access import Access
from heronry.cli.mesh_state import MeshState
from heronry.launch.ports import LOOPBACK, port_of
from heronry.types.errors import ConfigurationError, UnavailableError, UnimplementedError
from heronry.wire.addresses import parse_address

if TYPE_CHECKING:
    from heronry.client.options import ConnectionOptions

T = TypeVar("T")
Client = TypeVar("Client", bound="AbstractAsyncContextManager[object]")


@dataclass(frozen=True)
class Asked(Generic[Client]):
    """A kind of service.

    Attributes:
      role: as `heronry serve` names it.
      title: as messages name it.
      connect: makes its client.
      probe: a small call.
      takes_several: whether an address may be several, with commas between.
    """

    role: str
    title: str
    connect: "Callable[[str, ConnectionOptions], Client]"
    probe: Callable[[Client], Awaitable[object]]
    takes_several: bool = False


def ask_service(access: Access, asked: Asked[Client], question: Callable[[Client], Coroutine[object, object, T]]) -> T:
    """Return what a service answers.

    Raises:
      ConfigurationError: it is no address, no such service answers there, or an option wants another beside it.
    """
    where = access.address or known_address(asked.role)
    for one in where.split(",") if asked.takes_several else (where,):
        parse_address(one, "--address")
    options = access.connection_options(retry_s=1.0)

    async def ask() -> T:
        client = asked.connect(where, options)
        async with client:
            # A first small call: with nobody there the user should hear so at once, whatever comes next.
            try:
                await asked.probe(client)
            except (UnavailableError, UnimplementedError):
                starts = f"`heronry serve {asked.role}` starts one"
                allowed = f"one where a {asked.title} answers ({starts}){access.tls_hint()}"
                raise ConfigurationError.of("--address", where, allowed) from None
            return await question(client)

    return asyncio.run(ask())


def known_address(role: str) -> str:
    """Return where the service of the mesh that is up answers, else the usual port of one."""
    state = MeshState.read()
    for entry in state.services if state is not None else ():
        if entry.role == role:
            return entry.addresses[-1]
    return f"{LOOPBACK}:{port_of(role)}"
