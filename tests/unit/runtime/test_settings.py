"""Settings from flags, environment, file and defaults; mistakes named."""

from pathlib import Path

import pytest
from pydantic import Field

from heronry.runtime.settings import ServiceSettings, load_settings
from heronry.types.errors import ConfigurationError


class FleetSettings(ServiceSettings):
    num_envs: int = Field(8, ge=1, le=4096)


def load(argv=(), environ=None, role: str = "fleet") -> FleetSettings:
    return load_settings(FleetSettings, list(argv), environ or {}, role)


def test_defaults_name_the_instance_after_the_role() -> None:
    settings = load()

    assert settings.instance == "fleet-0"
    assert settings.listen == ("127.0.0.1:0",)
    assert settings.connection_options.client_id == "fleet-0"


def test_flags_come_before_the_environment_before_the_file(tmp_path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("num_envs: 1\ndrain_s: 1.5\nlog_level: debug\nheartbeat_s: 2\n")
    environ = {"HERONRY_FLEET_DRAIN_S": "2.5", "HERONRY_DRAIN_S": "9", "HERONRY_LOG_LEVEL": "error"}

    settings = load(["--config", str(path), "--log-level", "warning"], environ)

    assert (settings.num_envs, settings.heartbeat_s) == (1, 2.0)
    assert settings.drain_s == 2.5
    assert settings.log_level == "warning"


def test_the_environment_may_name_the_file(tmp_path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("num_envs: 3\n")

    assert load(environ={"HERONRY_CONFIG": str(path)}).num_envs == 3


def test_lists_repeat_their_flag_and_are_parted_by_commas_in_the_environment() -> None:
    assert load(["--listen", "unix:/a", "--listen=127.0.0.1:1"]).listen == ("unix:/a", "127.0.0.1:1")
    assert load(environ={"HERONRY_LISTEN": "unix:/a, 127.0.0.1:1"}).listen == ("unix:/a", "127.0.0.1:1")


def test_booleans_have_two_flags() -> None:
    assert load(["--no-uvloop", "--insecure-listen"]).uvloop is False
    assert load(environ={"HERONRY_UVLOOP": "false"}).uvloop is False


def test_nested_settings_are_reached_by_flags_environment_and_file(tmp_path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("tls: {certificate: c.pem, key: k.pem}\n")

    settings = load(["--config", str(path), "--tls-key", "other.pem"], {"HERONRY_TLS_CLIENT_CA": "ca.pem"})

    assert settings.tls is not None
    assert (settings.tls.certificate, settings.tls.key, settings.tls.client_ca) == (
        Path("c.pem"),
        Path("other.pem"),
        Path("ca.pem"),
    )


@pytest.mark.parametrize(
    ("argv", "environ", "message"),
    [
        (["--listn", "x"], {}, "unknown flag '--listn'; did you mean '--listen'"),
        (["--num_env=3"], {}, "unknown flag '--num_env'; did you mean '--num-envs'"),
        ([], {"HERONRY_FLEET_NUMENVS": "3"}, "did you mean 'HERONRY_FLEET_NUM_ENVS'"),
        (["--num-envs", "0"], {}, "num_envs: got '0', allowed: greater than or equal to 1"),
        (["--num-envs", "many"], {}, "num_envs: got 'many', allowed: a valid integer"),
        (["--log-format", "xml"], {}, "log_format: got 'xml', allowed: 'console' or 'json'"),
        (["--drain-s"], {}, "^--drain-s: expected one argument$"),
        (["stray"], {}, "^arguments: got 'stray', allowed: flags alone"),
        (["--config", "/nowhere/x.yaml"], {}, "config: got '/nowhere/x.yaml', allowed: a readable YAML file"),
        (["--tls-key", "k.pem"], {}, r"^tls\.certificate: not given, but needed with tls\.key$"),
        (["--config"], {}, "expected one argument"),
    ],
)
def test_a_mistake_is_named(argv, environ, message) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load(argv, environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_env: 3", "unknown setting 'num_env'; did you mean 'num_envs'"),
        ("tls: {certificate: c, key: k, client: x}", r"unknown setting 'tls\.client'; did you mean 'tls\.client_ca'"),
        ("- a\n- b", "a mapping, not"),
        ("a: [", "valid YAML"),
        ("zzzzzz: 1", "unknown setting 'zzzzzz'; valid: "),
        ("tls: 5", "tls: got 5"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path, text, message) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)

    with pytest.raises(ConfigurationError, match=message):
        load(["--config", str(path)])


def test_an_empty_file_changes_nothing(tmp_path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("")

    assert load(["--config", str(path)]) == load()


def test_variables_of_other_roles_are_left_alone() -> None:
    assert load(environ={"HERONRY_LEARNER_DEVICE": "cpu", "HERONRY_NATIVE": "off"}) == load()


def test_a_token_does_not_show_in_the_settings() -> None:
    assert "secret" not in repr(load(["--token", "secret-secret-secret"]))
