"""How a client presents itself and how long it tries."""

import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio
import grpc.experimental

from heronry.types.errors import ConfigurationError
from heronry.wire.addresses import UNIX_PREFIX, Address
from heronry.wire.options import Keepalive, client_options

# By default a channel whose peer was away tries again only after a second, then ever later. The minimum is
# how long a connection may take to be made: a busy peer must not look like one that is away.
_RECONNECT = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.min_reconnect_backoff_ms", 5_000),
)


def make_client_id() -> str:
    """Return `<host>-<pid>-<random>`."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def check_address(address: object) -> None:
    """Raise ConfigurationError unless a service can be reached at `address`: `unix:/path` or `host:port`."""
    if not isinstance(address, str):
        raise ConfigurationError.of("address", address, "`unix:/path` or `host:port`, a string")
    parsed = Address.parse(address)
    if not parsed.is_unix and parsed.port == 0:
        # Services may listen on port 0, which stands for one that is free; nobody answers there.
        raise ConfigurationError.of("address", address, "`unix:/path` or `host:port` with a port from 1 to 65535")


@dataclass(frozen=True)
class TlsOptions:
    """Certificates as PEM files.

    Attributes:
      root_certificates: what the service's certificate is checked against; None: the system's.
      certificate: the client's own, for services that ask for one; goes with `key`.
      server_name: the name in the service's certificate, where it differs from the address.
    """

    root_certificates: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        for name in ("root_certificates", "certificate", "key"):
            path = getattr(self, name)
            if not isinstance(path, Path | None):
                raise ConfigurationError.of(f"tls.{name}", type(path), "a pathlib.Path of a PEM file, or None")
        if not isinstance(self.server_name, str | None):
            raise ConfigurationError.of("tls.server_name", self.server_name, "a string, or None")
        if (self.certificate is None) != (self.key is None):
            raise ConfigurationError.of("tls.key", self.key, "set together with tls.certificate")

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files.

        Raises:
          ConfigurationError: a file cannot be read.
        """
        return grpc.ssl_channel_credentials(
            _read("tls.root_certificates", self.root_certificates),
            _read("tls.key", self.key),
            _read("tls.certificate", self.certificate),
        )


@dataclass(frozen=True)
class ConnectionOptions:
    """Settings of every client.

    Attributes:
      client_id: the caller's identity where services ask for no token.
      token: bearer token; services bind it to a client id.
      timeout_s: deadline of a call that names none.
      retry_s: for how long a call is tried again while nobody answers, within its deadline.
      reconnect_s: for how long a broken stream is opened again before it fails.
      keepalive: when a connection counts as lost.
      shares_memory: parameters are read and written in memory shared with a service on this machine.
    """

    client_id: str = field(default_factory=make_client_id)
    token: str | None = field(default=None, repr=False)
    tls: TlsOptions | None = None
    timeout_s: float = 10.0
    retry_s: float = 5.0
    reconnect_s: float = 60.0
    keepalive: Keepalive = field(default_factory=Keepalive)
    shares_memory: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.client_id, str):
            raise ConfigurationError.of("client_id", self.client_id, "a string")
        if not isinstance(self.token, str | None):
            # Its value is a secret, whatever its type.
            raise ConfigurationError.of("token", type(self.token), "a string, or None")
        if not isinstance(self.tls, TlsOptions | None):
            raise ConfigurationError.of("tls", self.tls, "TlsOptions, or None")

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        pairs = [("heronry-client-id", self.client_id)]
        if self.token is not None:
            pairs.append(("authorization", f"Bearer {self.token}"))
        return tuple(pairs)

    def open_channel(self, address: str, *, bulk: bool) -> grpc.aio.Channel:
        """Open a channel; UNIX sockets are guarded by their file mode and carry no TLS."""
        options = self._options(bulk=bulk)
        if self.tls is None or address.startswith(UNIX_PREFIX):
            return grpc.aio.insecure_channel(address, options=options)
        return grpc.aio.secure_channel(address, self.tls.credentials(), options=options)

    def open_reading_channel(self, address: str) -> grpc.Channel:
        """Open a channel for large answers, each stream read by the thread that iterates over it alone."""
        options = [*self._options(bulk=True), (grpc.experimental.ChannelOptions.SingleThreadedUnaryStream, 1)]
        if self.tls is None or address.startswith(UNIX_PREFIX):
            return grpc.insecure_channel(address, options=options)
        return grpc.secure_channel(address, self.tls.credentials(), options=options)

    def _options(self, *, bulk: bool) -> list[tuple[str, int | str]]:
        options: list[tuple[str, int | str]] = [*client_options(bulk=bulk, keepalive=self.keepalive), *_RECONNECT]
        if self.tls is not None and self.tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return options


def _read(field_name: str, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError.of(field_name, str(path), f"a readable PEM file ({error.strerror})") from error
