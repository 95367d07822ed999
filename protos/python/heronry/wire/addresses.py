"""Addresses of services: `unix:/path` and `host:port`."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from heronry.types.errors import ConfigurationError

UNIX_PREFIX: Final = "unix:"
# The kernel's limit is 108 bytes with the closing zero; some room is left for suffixes.
MAX_UNIX_PATH_BYTES: Final = 100
_MAX_PORT: Final = 65_535
_ALLOWED: Final = "`unix:/path` or `host:port` with a port from 0 to 65535"
_HOST: Final = re.compile(r"[A-Za-z0-9_.*-]+|\[[0-9A-Fa-f:.%A-Za-z0-9]+\]")


@dataclass(frozen=True)
class Address:
    """One address; `path` is set for a UNIX socket, `host` and `port` otherwise."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    @classmethod
    def parse(cls, text: str, field: str = "address") -> Self:
        """Read an address; `field` names it in the error.

        Raises:
          ConfigurationError: neither form fits, or the path is too long for a socket.
        """
        if text.startswith(UNIX_PREFIX):
            return cls(path=_socket_path(text, field))
        host, separator, port = text.rpartition(":")
        if not separator or not port.isascii() or not port.isdigit() or not _HOST.fullmatch(host):
            raise ConfigurationError.of(field, text, _ALLOWED)
        if int(port) > _MAX_PORT:
            raise ConfigurationError.of(field, text, _ALLOWED)
        return cls(host, int(port))

    @property
    def is_unix(self) -> bool:
        """Whether it is a UNIX socket."""
        return self.path is not None

    @property
    def is_wildcard(self) -> bool:
        """Whether it listens on every interface, so that peers need another name for it."""
        return not self.is_unix and self.host in {"0.0.0.0", "[::]", "*"}  # noqa: S104 # compared, not bound

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it: a UNIX socket or a loopback host."""
        if self.is_unix or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{UNIX_PREFIX}{self.path}" if self.is_unix else f"{self.host}:{self.port}"


def parse_address(text: str, field: str = "address") -> Address:
    """Read an address; see `Address.parse`."""
    return Address.parse(text, field)


def _socket_path(text: str, field: str) -> Path:
    path = text.removeprefix(UNIX_PREFIX)
    path = "/" + path.lstrip("/") if path.startswith("//") else path
    if not path:
        raise ConfigurationError.of(field, text, _ALLOWED)
    if len(path.encode()) > MAX_UNIX_PATH_BYTES:
        raise ConfigurationError.of(field, text, f"a socket path of at most {MAX_UNIX_PATH_BYTES} bytes")
    return Path(path)
