"""How `heronry params` reaches a parameter service."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from heronry.cli.access import Access
from heronry.cli.mesh_state import MeshState
from heronry.client.params import ParamsClient
from heronry.launch.ports import LOOPBACK, PARAMS_PORT
from heronry.types.errors import ConfigurationError, UnavailableError
from heronry.wire.addresses import parse_address

T = TypeVar("T")


def ask_params(access: Access, question: Callable[[ParamsClient], Coroutine[object, object, T]]) -> T:
    """Return what a parameter service answers.

    Raises:
      ConfigurationError: it is no address, no parameter service answers there, or an option wants another beside it.
    """
    where = access.address or known_params_address()
    parse_address(where, "--address")
    options = access.connection_options(retry_s=1.0)

    async def ask() -> T:
        async with ParamsClient(where, options) as client:
            # A first small call: with nobody there the user should hear so at once, whatever comes next.
            try:
                await client.list_models()
            except UnavailableError:
                allowed = (
                    f"one where a parameter service answers (`heronry serve params` starts one){access.tls_hint()}"
                )
                raise ConfigurationError.of("--address", where, allowed) from None
            return await question(client)

    return asyncio.run(ask())


def known_params_address() -> str:
    """Return where the parameter service of the mesh that is up answers, else the usual port of one."""
    state = MeshState.read()
    for entry in state.services if state is not None else ():
        if entry.role == "params":
            return entry.addresses[-1]
    return f"{LOOPBACK}:{PARAMS_PORT}"
