"""Addresses."""

from pathlib import Path

import pytest

from heronry.types.errors import ConfigurationError
from heronry.wire.addresses import Address, parse_address


@pytest.mark.parametrize(
    ("text", "address", "is_local"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0), True),
        ("localhost:50050", Address("localhost", 50050), True),
        ("[::1]:1", Address("[::1]", 1), True),
        ("0.0.0.0:80", Address("0.0.0.0", 80), False),
        ("params.mesh.svc:65535", Address("params.mesh.svc", 65535), False),
        ("unix:/run/x.sock", Address(path=Path("/run/x.sock")), True),
        ("unix:///run/x.sock", Address(path=Path("/run/x.sock")), True),
        ("unix:x.sock", Address(path=Path("x.sock")), True),
    ],
)
def test_an_address_is_read(text, address, is_local) -> None:
    assert parse_address(text) == address
    assert address.is_local is is_local
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    ["", "host", "host:", ":80", "host:65536", "host:-1", "http://host:1", "a b:1", "unix:", "unix:/" + "x" * 100],
)
def test_what_is_no_address_is_named(text) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_address(text, "listen")

    assert caught.value.details["field"] == "listen"
    assert caught.value.details["value"] == repr(text)


def test_a_socket_path_may_have_a_hundred_bytes() -> None:
    assert parse_address("unix:/" + "x" * 99).is_unix
