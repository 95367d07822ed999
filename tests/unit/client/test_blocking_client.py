"""A blocking client of one service: its own loop, `with`, and what it says once it is closed."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from heronry.client import ConnectionOptions, TlsOptions, sync
from heronry.client.sync.loop import LoopThread
from heronry.types.errors import UnavailableError

ADDRESS = "unix:/nowhere/heronry.sock"
OPTIONS = ConnectionOptions(client_id="tester", token="of the options", timeout_s=0.2, retry_s=0.1)
CALLS: list[tuple[type, Callable[..., object]]] = [
    (sync.ReplayClient, lambda client: client.list_tables()),
    (sync.ParamsClient, lambda client: client.list_models()),
    (sync.CoordinatorClient, lambda client: client.list_runs()),
    (sync.FleetClient, lambda client: client.statistics()),
    (sync.LearnerClient, lambda client: client.statistics()),
    (sync.InferenceClient, lambda client: client.statistics()),
]


@pytest.mark.parametrize(("kind", "call"), CALLS)
def test_a_client_needs_an_address_only_and_ends_its_thread(kind: type, call: Callable[..., object]) -> None:
    with kind(ADDRESS, OPTIONS) as client:
        assert client.client_id == "tester"
        with pytest.raises(UnavailableError, match="nobody answers"):
            call(client)
        loop = client._loop

    assert loop.is_closed
    assert loop._thread not in threading.enumerate()
    client.close()
    with pytest.raises(UnavailableError, match=r"^the client is closed$"):
        call(client)


def test_token_and_tls_go_before_those_of_the_options() -> None:
    tls = TlsOptions(root_certificates=Path("ca.pem"))

    with sync.ReplayClient(ADDRESS, OPTIONS, token="given", tls=tls) as client:
        options = client._client._connection.options
        assert (options.token, options.tls, options.client_id) == ("given", tls, "tester")
    with sync.ReplayClient(ADDRESS, OPTIONS) as client:
        assert client._client._connection.options == OPTIONS


def test_a_closed_loop_is_called_by_its_owner_s_name() -> None:
    loop = LoopThread("pool")
    loop.close()

    async def nothing() -> None:
        pass

    with pytest.raises(UnavailableError, match=r"^the pool is closed$"):
        loop.run(nothing())
