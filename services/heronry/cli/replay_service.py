"""How `heronry replay` reaches a replay service."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

from heronry.cli.mesh_state import MeshState
from heronry.client.options import ConnectionOptions
from heronry.client.replay import ReplayClient
from heronry.launch.ports import LOOPBACK, REPLAY_PORT
from heronry.types.errors import ConfigurationError, UnavailableError
from heronry.wire.addresses import parse_address

T = TypeVar("T")


def ask_replay(address: str, question: Callable[[ReplayClient], Coroutine[object, object, T]]) -> T:
    """Return what a replay service answers.

    Raises:
      ConfigurationError: it is no address, or no replay service answers there.
    """
    where = address or _known_address()
    parse_address(where, "--address")

    async def ask() -> T:
        async with ReplayClient(where, ConnectionOptions(retry_s=1.0)) as client:
            # A first small call: with nobody there the user should hear so at once, whatever comes next.
            try:
                await client.list_tables()
            except UnavailableError:
                allowed = "one where a replay service answers (`heronry serve replay` starts one)"
                raise ConfigurationError.of("--address", where, allowed) from None
            return await question(client)

    return asyncio.run(ask())


def _known_address() -> str:
    state = MeshState.read()
    for entry in state.services if state is not None else ():
        if entry.role == "replay":
            return entry.addresses[-1]
    return f"{LOOPBACK}:{REPLAY_PORT}"
