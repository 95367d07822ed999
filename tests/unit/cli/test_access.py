"""The options by which commands reach a service."""

from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from heronry.cli import params, replay
from heronry.cli.access import Access, reaches_service
from heronry.client import ConfigurationError, TlsOptions

NAMES = [
    "HERONRY_TOKEN",
    "HERONRY_CLIENT_ID",
    "HERONRY_TLS_CA",
    "HERONRY_TLS_CERTIFICATE",
    "HERONRY_TLS_KEY",
    "HERONRY_TLS_SERVER_NAME",
]
Ask = Callable[..., tuple[Access, str]]


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run a command of one argument with these words; return what it was given."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    app, given = typer.Typer(), []

    @app.command()
    @reaches_service
    def look(access: Access, model: str, suffix: str = "") -> None:
        given.append((access, model + suffix))

    def run(*words: str) -> tuple[Access, str]:
        app(list(words), standalone_mode=False)
        return given[-1]

    return run


def test_a_command_keeps_its_own_arguments(ask: Ask) -> None:
    assert ask("policy", "--suffix", "-a", "--address", "host:1") == (Access("host:1"), "policy-a")


def test_every_command_of_params_and_replay_takes_the_same_options() -> None:
    for app in (params.app, replay.app):
        for command in typer.main.get_command(app).commands.values():
            flags = {flag for parameter in command.params for flag in parameter.opts}
            assert {"--address", "--token", "--client-id", "--tls", "--tls-ca", "--tls-key"} <= flags, command.name


def test_without_options_a_client_speaks_in_the_clear_under_a_name_of_its_own(ask: Ask) -> None:
    options = ask("policy")[0].connection_options(retry_s=1.0)

    assert (options.tls, options.token, options.retry_s) == (None, None, 1.0)
    assert options.client_id


def test_certificates_and_a_token_become_those_of_the_client(ask: Ask) -> None:
    words = ["--tls-ca", "ca.pem", "--tls-certificate", "me.pem", "--tls-key", "me.key", "--tls-server-name", "host"]
    access, _ = ask("policy", *words, "--token", "secret", "--client-id", "me")

    options = access.connection_options(retry_s=1.0)

    assert options.tls == TlsOptions(Path("ca.pem"), Path("me.pem"), Path("me.key"), "host")
    assert (options.token, options.client_id) == ("secret", "me")


def test_tls_alone_checks_against_the_authorities_of_the_system(ask: Ask) -> None:
    assert ask("policy", "--tls")[0].connection_options(retry_s=1.0).tls == TlsOptions()


def test_variables_stand_for_options(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, name.lower())

    access, _ = ask("policy", "--client-id", "me")

    assert (access.token, access.client_id, access.tls_server_name) == (
        "heronry_token",
        "me",
        "heronry_tls_server_name",
    )
    assert access.tls_key == Path("heronry_tls_key")


def test_halves_of_a_pair_are_refused_by_name(ask: Ask) -> None:
    with pytest.raises(ConfigurationError, match="--client-id: got '', allowed: the client id that the token is"):
        ask("policy", "--token", "secret")[0].connection_options(retry_s=1.0)
    with pytest.raises(ConfigurationError, match="certificate"):
        ask("policy", "--tls-certificate", "me.pem")[0].connection_options(retry_s=1.0)
