"""The options by which commands reach a service: where it is, its certificates, a token."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heronry.types.errors import ConfigurationError

if TYPE_CHECKING:
    from heronry.client.options import ConnectionOptions, TlsOptions

Command = Callable[..., None]

_Address = Annotated[
    str, typer.Option("--address", help="The service: host:port or unix:/path; otherwise that of the mesh that is up.")
]
# A flag's value can be read by everybody on the machine: tokens have a variable too. Names are those of the services.
_Token = Annotated[
    str, typer.Option("--token", envvar="HERONRY_TOKEN", help="For services with tokens; goes with --client-id.")
]
_ClientId = Annotated[
    str, typer.Option("--client-id", envvar="HERONRY_CLIENT_ID", help="The client id that the token is bound to.")
]
_HasTls = Annotated[bool, typer.Option("--tls", help="With TLS; implied by the options below.")]
_Ca = Annotated[
    Path | None,
    typer.Option("--tls-ca", envvar="HERONRY_TLS_CA", help="PEM: checks the service; otherwise the system's."),
]
_Certificate = Annotated[
    Path | None,
    typer.Option("--tls-certificate", envvar="HERONRY_TLS_CERTIFICATE", help="PEM: for services that ask for one."),
]
_Key = Annotated[
    Path | None, typer.Option("--tls-key", envvar="HERONRY_TLS_KEY", help="PEM: the certificate's private key.")
]
_ServerName = Annotated[
    str,
    typer.Option("--tls-server-name", envvar="HERONRY_TLS_SERVER_NAME", help="The name in the service's certificate."),
]


@dataclass(frozen=True)
class Access:
    """How a command reaches its service; an empty address is that of the mesh that is up."""

    address: str = ""
    token: str = ""
    client_id: str = ""
    has_tls: bool = False
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_server_name: str = ""

    def connection_options(self, *, retry_s: float) -> "ConnectionOptions":
        """Return the client's options.

        Raises:
          ConfigurationError: a token without its client id, or a certificate without its key.
        """
        from heronry.client.options import ConnectionOptions, make_client_id  # grpc is slow to load

        if self.token and not self.client_id:
            raise ConfigurationError.of("--client-id", "", "the client id that the token is bound to")
        client_id = self.client_id or make_client_id()
        return ConnectionOptions(client_id=client_id, token=self.token or None, tls=self._tls(), retry_s=retry_s)

    def tls_hint(self) -> str:
        """Return what else may be wrong when nobody answers: a handshake that fails looks the same."""
        return "; its certificate must be that of --tls-ca" if self.is_encrypted else "; --tls-ca if it serves with TLS"

    @property
    def is_encrypted(self) -> bool:
        """Whether any option asks for TLS."""
        return self.has_tls or any((self.tls_ca, self.tls_certificate, self.tls_key, self.tls_server_name))

    def _tls(self) -> "TlsOptions | None":
        from heronry.client.options import TlsOptions  # as above

        if not self.is_encrypted:
            return None
        return TlsOptions(self.tls_ca, self.tls_certificate, self.tls_key, self.tls_server_name or None)


def reaches_service(command: Command) -> Command:
    """Give a command the options above; it gets what they say as its argument `access`."""

    def run(**given: object) -> None:
        options = {name: given.pop(name) for name in _OPTIONS}
        command(access=Access(**options), **given)  # type: ignore[arg-type]  # of the types that `_declared` has

    own = [parameter for parameter in inspect.signature(command).parameters.values() if parameter.name != "access"]
    parameters = [*own, *_OPTIONS.values()]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what `inspect` looks for first
    return run


def _declared(
    *,
    address: _Address = "",
    token: _Token = "",
    client_id: _ClientId = "",
    has_tls: _HasTls = False,
    tls_ca: _Ca = None,
    tls_certificate: _Certificate = None,
    tls_key: _Key = None,
    tls_server_name: _ServerName = "",
) -> None:
    """Have the options as parameters: the shape that the command line is made from."""


_OPTIONS = dict(inspect.signature(_declared).parameters)
