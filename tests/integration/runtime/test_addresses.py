"""Binding: sockets, ports in the way, exposure."""

import socket
import stat

import grpc
import pytest

from heronry.types.errors import ConfigurationError, UnavailableError
from heronry.wire.status import error_from_rpc


async def test_a_port_in_use_is_named(serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(ConfigurationError, match="free") as caught:
            async with serve(listen=(address,)):
                pass

    assert caught.value.details["value"] == repr(address)


async def test_a_second_server_on_the_same_port_is_refused(serve) -> None:
    async with serve() as first:
        with pytest.raises(ConfigurationError, match="free"):
            async with serve(listen=first.node.addresses):
                pass


async def test_a_socket_and_its_new_directory_are_private_and_gone_afterwards(serve, tmp_path) -> None:
    path = tmp_path / "run" / "x.sock"

    async with serve(listen=(f"unix:{path}", "127.0.0.1:0")) as running:
        assert await running.get_table("t") == "t of anonymous"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert running.node.addresses[0] == f"unix:{path}"

    assert not path.exists()


async def test_a_socket_left_by_a_dead_process_is_replaced(serve, tmp_path) -> None:
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))

    async with serve(listen=(f"unix:{path}",)) as running:
        assert await running.get_table("t") == "t of anonymous"


async def test_a_socket_in_use_is_refused_and_goes_on_working(serve, tmp_path) -> None:
    address = f"unix:{tmp_path}/x.sock"

    async with serve(listen=(address,)) as first:
        with pytest.raises(ConfigurationError, match="a process listens there"):
            async with serve(listen=(address,)):
                pass
        assert await first.get_table("t") == "t of anonymous"


async def test_a_file_in_the_place_of_a_socket_is_left_alone(serve, tmp_path) -> None:
    path = tmp_path / "data"
    path.write_text("precious")

    with pytest.raises(ConfigurationError, match="free or a socket"):
        async with serve(listen=(f"unix:{path}",)):
            pass

    assert path.read_text() == "precious"


async def test_a_socket_path_that_is_too_long_is_named(serve, tmp_path) -> None:
    with pytest.raises(ConfigurationError, match="at most 100 bytes"):
        async with serve(listen=(f"unix:{tmp_path}/{'x' * 100}",)):
            pass


async def test_listening_beyond_loopback_needs_tls_or_the_users_word(serve) -> None:
    with pytest.raises(ConfigurationError, match="insecure_listen"):
        async with serve(listen=("0.0.0.0:0",)):
            pass

    async with serve(listen=("0.0.0.0:0",), insecure_listen=True) as running:
        host, _, port = running.node.addresses[0].rpartition(":")
        assert host == socket.gethostname()
        assert int(port) > 0


async def test_a_service_that_stopped_is_unavailable(serve) -> None:
    async with serve() as running:
        address = running.node.addresses[0]
        await running.node.stop()
        async with grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.RpcError) as caught:
                await channel.unary_unary("/x/y")(b"", timeout=5)

    assert isinstance(error_from_rpc(caught.value), UnavailableError)
