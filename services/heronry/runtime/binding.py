"""Binding addresses: who may listen where, sockets left over, what is in the way."""

import errno
import os
import socket
import stat
from pathlib import Path
from typing import Final

import grpc

from heronry.runtime.settings import ServiceSettings, TlsSettings
from heronry.types.errors import ConfigurationError
from heronry.wire.addresses import Address

_DIRECTORY_MODE: Final = 0o700
_SOCKET_MODE: Final = 0o600
_CONNECT_TIMEOUT_S: Final = 1.0


def bind(server: grpc.aio.Server, settings: ServiceSettings) -> tuple[Address, ...]:
    """Bind every address of the settings; return them with their ports.

    Raises:
      ConfigurationError: an address is in use, may not be bound or cannot be, or is beyond loopback
        without TLS; certificates cannot be read.
    """
    addresses = [Address.parse(text, "listen") for text in settings.listen]
    for address in addresses:
        _check_exposure(address, settings)
    credentials = None if settings.tls is None else server_credentials(settings.tls)
    return tuple(_bind_socket(server, a) if a.is_unix else _bind_port(server, a, credentials) for a in addresses)


def server_credentials(tls: TlsSettings) -> grpc.ServerCredentials:
    """Read the certificates of a server; with `client_ca`, clients must show theirs.

    Raises:
      ConfigurationError: a file cannot be read.
    """
    pair = (_read("tls.key", tls.key), _read("tls.certificate", tls.certificate))
    client_ca = None if tls.client_ca is None else _read("tls.client_ca", tls.client_ca)
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def advertised(bound: tuple[Address, ...], settings: ServiceSettings) -> tuple[str, ...]:
    """Return the addresses that other services are told, UNIX sockets first."""
    if settings.advertise:
        return settings.advertise
    ordered = sorted(bound, key=lambda a: not a.is_unix)
    return tuple(f"{socket.gethostname()}:{a.port}" if a.is_wildcard else str(a) for a in ordered)


def _check_exposure(address: Address, settings: ServiceSettings) -> None:
    if not address.is_local and settings.tls is None and not settings.insecure_listen:
        allowed = "a loopback address, or TLS (tls.certificate, tls.key), or insecure_listen"
        raise ConfigurationError.of("listen", str(address), allowed)


def _bind_port(server: grpc.aio.Server, address: Address, credentials: grpc.ServerCredentials | None) -> Address:
    text = str(address).replace("*:", "0.0.0.0:")
    # C-core reports a port in use by lines of its own on standard error: ask the kernel first.
    _check_free(address)
    try:
        port = server.add_insecure_port(text) if credentials is None else server.add_secure_port(text, credentials)
    except RuntimeError as error:
        raise ConfigurationError.of("listen", str(address), f"an address that can be bound ({error})") from None
    return Address(address.host, port)


def _check_free(address: Address) -> None:
    host = "" if address.host == "*" else address.host.strip("[]")
    try:
        found = socket.getaddrinfo(host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError.of("listen", str(address), f"a host with an address ({error.strerror})") from None
    family, kind, _, _, target = found[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(target)
        except OSError as error:
            allowed = "an address that is free" if error.errno == errno.EADDRINUSE else "an address that can be bound"
            raise ConfigurationError.of("listen", str(address), f"{allowed} ({error.strerror})") from None


def _bind_socket(server: grpc.aio.Server, address: Address) -> Address:
    path = address.path or Path()
    _prepare_directory(path.parent)
    _remove_stale(path)
    try:
        server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise ConfigurationError.of("listen", str(address), f"an address that can be bound ({error})") from None
    path.chmod(_SOCKET_MODE)
    return address


def _prepare_directory(directory: Path) -> None:
    try:
        # Private from the first moment: gRPC makes its sockets readable for everybody.
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError.of(
            "listen", str(directory), f"a directory that can be made ({error.strerror})"
        ) from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise ConfigurationError.of("listen", str(directory), "a directory that can be written to")


def _remove_stale(path: Path) -> None:
    """Remove the socket of a process that is gone; gRPC itself would take a live one away."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ConfigurationError.of("listen", f"unix:{path}", "a path that is free or a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_CONNECT_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise ConfigurationError.of("listen", f"unix:{path}", f"an address that is free ({error})") from None
    raise ConfigurationError.of("listen", f"unix:{path}", "an address that is free (a process listens there)")


def _read(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError.of(field, str(path), f"a readable PEM file ({error.strerror})") from None
