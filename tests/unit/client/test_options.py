import os
from pathlib import Path

import pytest

from heronry.client.connection import choose_address
from heronry.client.options import ConnectionOptions, TlsOptions, make_client_id
from heronry.client.replay import ReplayClient
from heronry.types.errors import ConfigurationError, UnavailableError


def test_a_client_id_names_the_process_and_is_not_given_twice() -> None:
    first, second = make_client_id(), make_client_id()

    assert f"-{os.getpid()}-" in first
    assert first != second


def test_every_call_carries_identity_and_token() -> None:
    options = ConnectionOptions(client_id="me", token="secret")

    assert options.metadata == (("heronry-client-id", "me"), ("authorization", "Bearer secret"))


def test_a_certificate_goes_with_its_key() -> None:
    with pytest.raises(ConfigurationError, match=r"tls\.key"):
        TlsOptions(certificate=Path("c.pem"))


@pytest.mark.parametrize("name", ["root_certificates", "certificate", "key", "server_name"])
def test_a_tls_option_of_the_wrong_type_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^tls\.{name}: got"):
        TlsOptions(**{name: b"ca.pem"})


@pytest.mark.parametrize("name", ["client_id", "token", "tls"])
def test_an_option_of_the_wrong_type_is_named(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: got"):
        ConnectionOptions(**{name: 7})


def test_an_unreadable_certificate_is_named(tmp_path: Path) -> None:
    tls = TlsOptions(root_certificates=tmp_path / "none.pem")

    with pytest.raises(ConfigurationError, match=r"none\.pem"):
        tls.credentials()


def test_a_unix_socket_that_is_not_here_is_passed_over(tmp_path: Path) -> None:
    assert choose_address((f"unix:{tmp_path}/absent.sock", "host:1")) == "host:1"


def test_the_only_address_is_tried_even_when_nobody_listens_yet(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/absent.sock"

    assert choose_address((address,)) == address


def test_a_service_without_addresses_is_unavailable() -> None:
    with pytest.raises(UnavailableError):
        choose_address(())


@pytest.mark.parametrize("address", ["localhost:99999", "", None, "localhost", "localhost:0", 7])
def test_a_client_names_an_address_that_cannot_be(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^address: got .*, allowed: `unix:/path` or `host:port`"):
        ReplayClient(address)
