"""How `heronry params` reaches a parameter service."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from heronry.cli.mesh_state import MeshState
from heronry.client.options import ConnectionOptions
from heronry.client.params import ParamsClient
from heronry.launch.ports import LOOPBACK, PARAMS_PORT
from heronry.types.errors import ConfigurationError, UnavailableError
from heronry.wire.addresses import parse_address

T = TypeVar("T")


def ask_params(address: str, question: Callable[[ParamsClient], Coroutine[object, object, T]]) -> T:
    """Return what a parameter service answers.

    Raises:
      ConfigurationError: it is no address, or no parameter service answers there.
    """
    where = address or _known_address()
    parse_address(where, "--address")

    async def ask() -> T:
        async with ParamsClient(where, ConnectionOptions(retry_s=1.0)) as client:
            # A first small call: with nobody there the user should hear so at once, whatever comes next.
            try:
                await client.list_models()
            except UnavailableError:
                allowed = "one where a parameter service answers (`heronry serve params` starts one)"
                raise ConfigurationError.of("--address", where, allowed) from None
            return await question(client)

    return asyncio.run(ask())


def _known_address() -> str:
    state = MeshState.read()
    for entry in state.services if state is not None else ():
        if entry.role == "params":
            return entry.addresses[-1]
    return f"{LOOPBACK}:{PARAMS_PORT}"
