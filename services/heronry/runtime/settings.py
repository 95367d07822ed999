"""Settings of services, and the one function that reads them."""

import argparse
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.types.errors import ConfigurationError
from heronry.wire.options import DEFAULT_MAX_MESSAGE_BYTES, Keepalive

S = TypeVar("S", bound="ServiceSettings")

_ENVIRONMENT_PREFIX: Final = "HERONRY_"
_NUM_SUGGESTIONS: Final = 1


class TlsSettings(BaseModel):
    """Certificates as PEM files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certificate: Path = Field(description="the service's certificate, with its chain")
    key: Path = Field(description="the certificate's private key")
    client_ca: Path | None = Field(None, description="ask clients for a certificate signed by these (mTLS)")
    ca: Path | None = Field(None, description="what other services' certificates are checked against")
    server_name: str | None = Field(None, description="the name in other services' certificates")


class ServiceSettings(BaseModel):
    """What every service can be told; a role's own settings derive from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance: str = Field("", description="name that survives restarts; default: ROLE-0", max_length=64)
    listen: tuple[str, ...] = Field(("127.0.0.1:0",), min_length=1, description="unix:/path or host:port; may repeat")
    advertise: tuple[str, ...] = Field((), description="addresses to register instead of those bound; may repeat")
    coordinator: str = Field("", description="address of the coordinator; none: stand alone")
    data_dir: Path = Field(Path("runs"), description="a run's folder is DATA_DIR/RUN_ID")
    log_format: Literal["console", "json"] = Field("console", description="how log lines look")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    uvloop: bool = Field(default=True, description="run on uvloop where it is installed")
    tls: TlsSettings | None = Field(None, description="serve and call with TLS")
    tokens_file: Path | None = Field(None, description="lines `client_id token`; calls without one are refused")
    token: str | None = Field(None, description="token of this service's own calls", repr=False)
    insecure_listen: bool = Field(default=False, description="allow addresses beyond loopback without TLS")
    drain_s: float = Field(5.0, gt=0, le=600, description="time to finish calls at SIGTERM")
    heartbeat_s: float = Field(0.5, gt=0, le=60, description="period of heartbeats to the coordinator")
    max_message_bytes: int = Field(DEFAULT_MAX_MESSAGE_BYTES, ge=4096, le=1 << 30, description="largest message taken")
    max_streams: int = Field(1000, ge=1, le=100_000, description="streams open at a time")
    keepalive_s: float = Field(20.0, ge=0.1, le=3600, description="ping a peer that was silent for longer")
    ping_timeout_s: float = Field(5.0, ge=0.1, le=3600, description="a ping unanswered for longer ends its connection")
    stall_s: float = Field(30.0, gt=0, description="a peer that stalls longer loses its stream")
    unary_timeout_s: float = Field(60.0, gt=0, description="bound of calls that come without a deadline")
    metrics_port: int | None = Field(None, ge=0, le=65_535, description="serve Prometheus metrics on 127.0.0.1")
    parent_pid: int | None = Field(None, ge=1, description="exit when this process is gone")
    debug: bool = Field(default=False, description="show tracebacks of errors at start")

    @property
    def keepalive(self) -> Keepalive:
        """When a connection, served or opened, counts as lost."""
        return Keepalive(self.keepalive_s, self.ping_timeout_s)

    @property
    def connection_options(self) -> ConnectionOptions:
        """How this service calls others."""
        tls = self.tls
        options = None if tls is None else TlsOptions(tls.ca, tls.certificate, tls.key, tls.server_name)
        return ConnectionOptions(client_id=self.instance, token=self.token, tls=options, keepalive=self.keepalive)


def load_settings(cls: type[S], argv: Sequence[str], environ: Mapping[str, str], role: str) -> S:
    """Read settings from flags, environment, YAML file and defaults, the former over the latter.

    Flags are the fields with dashes (`--drain-s 3`, `--no-uvloop`), lists repeat their flag; the
    environment is HERONRY_<ROLE>_<FIELD>, then HERONRY_<FIELD>, lists parted by commas; the YAML
    file is named by `--config` or HERONRY_CONFIG.

    Raises:
      ConfigurationError: an unknown key, with the nearest valid one, or a value out of its range.
    """
    flags = _from_flags(cls, argv, role)
    config = flags.pop("config", None) or environ.get(f"{_ENVIRONMENT_PREFIX}CONFIG")
    values = _from_file(cls, Path(str(config))) if config else {}
    _merge(values, _from_environment(cls, environ, role))
    _merge(values, flags)
    if not values.get("instance"):
        values["instance"] = f"{role}-0"
    return validated(cls, values)


def validated(cls: type[S], values: Mapping[str, object]) -> S:
    """Make settings of a mapping, with named errors.

    Raises:
      ConfigurationError: an unknown key, with the nearest valid one, or a value out of its range.
    """
    try:
        return cls.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise unknown_key(path, _keys(cls)) from None
        if first["type"] == "missing":
            # What pydantic gives as the value here are the settings beside it.
            details = {"field": path, "value": "", "allowed": "a value"}
            raise ConfigurationError(
                f"{path}: not given, but needed with {_beside(path, first['input'])}", details=details
            ) from None
        allowed = first["msg"].removeprefix("Input should be ")
        raise ConfigurationError.of(path, first["input"], allowed) from None


def _beside(path: str, input_value: object) -> str:
    """Name the settings that were given in the same group."""
    group = path.rpartition(".")[0]
    given = sorted(str(key) for key in input_value) if isinstance(input_value, Mapping) else []
    return ", ".join(f"{group}.{key}" if group else key for key in given) or "the others"


def unknown_key(key: str, valid: Iterable[str], kind: str = "setting") -> ConfigurationError:
    """Return the error of a key that does not exist, naming the nearest that does."""
    names = sorted(valid)
    near = difflib.get_close_matches(key, names, _NUM_SUGGESTIONS, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(names)}"
    details = {"field": key, "value": key, "allowed": near[0] if near else ", ".join(names)}
    return ConfigurationError(f"unknown {kind} {key!r}; {hint}", details=details)


def _keys(cls: type[BaseModel]) -> dict[str, Any]:
    """Return annotations by key; nested settings appear as `tls.certificate`."""
    keys: dict[str, Any] = {}
    for name, field in cls.model_fields.items():
        nested = _model_in(field.annotation)
        if nested is None:
            keys[name] = field
        else:
            keys.update({f"{name}.{key}": value for key, value in _keys(nested).items()})
    return keys


def _model_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 # an annotation can be anything
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _is_list(annotation: Any) -> bool:  # noqa: ANN401 # an annotation can be anything
    return any(get_origin(kind) in {tuple, list} for kind in (annotation, *get_args(annotation)))


def _is_flag(annotation: Any) -> bool:  # noqa: ANN401 # an annotation can be anything
    return annotation is bool


def _from_flags(cls: type[BaseModel], argv: Sequence[str], role: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(
        prog=f"heronry serve {role}", allow_abbrev=False, exit_on_error=False, argument_default=argparse.SUPPRESS
    )
    parser.add_argument("--config", metavar="FILE", help="YAML file with settings")
    keys = _keys(cls)
    flags = {key: "--" + key.replace("_", "-").replace(".", "-") for key in keys}
    for key, field in keys.items():
        options: dict[str, Any] = {"dest": key, "help": _help(field)}
        if _is_flag(field.annotation):
            options["action"] = argparse.BooleanOptionalAction
        elif _is_list(field.annotation):
            options |= {"action": "append", "metavar": "VALUE"}
        else:
            options["metavar"] = "VALUE"
        parser.add_argument(flags[key], **options)
    try:
        known, unknown = parser.parse_known_args(argv)
    except argparse.ArgumentError as error:
        name = error.argument_name or "arguments"
        details = {"field": name, "value": "", "allowed": error.message}
        raise ConfigurationError(f"{name}: {error.message}", details=details) from None
    if unknown and not unknown[0].startswith("-"):
        raise ConfigurationError.of("arguments", unknown[0], "flags alone, as --drain-s 3")
    if unknown:
        raise unknown_key(unknown[0].partition("=")[0], [*flags.values(), "--config"], "flag")
    return _nested(vars(known))


def _help(field: FieldInfo) -> str:
    """Return what a setting is, with its default unless there is none or the description tells it."""
    text, default = field.description or "", field.get_default()
    if default is None or default is PydanticUndefined or not str(default) or "default:" in text:
        shown = ""
    elif isinstance(default, bool):
        shown = "yes" if default else "no"
    else:
        shown = ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return (f"{text}; default: {shown}" if shown else text).replace("%", "%%")


def _from_environment(cls: type[BaseModel], environ: Mapping[str, str], role: str) -> dict[str, Any]:
    own = f"{_ENVIRONMENT_PREFIX}{role.upper()}_"
    names = {key.replace(".", "_").upper(): key for key in _keys(cls)}
    for variable in environ:
        if variable.startswith(own) and variable.removeprefix(own) not in names:
            raise unknown_key(variable, [own + name for name in names], "environment variable")
    found: dict[str, Any] = {}
    for name, key in names.items():
        text = environ.get(own + name, environ.get(_ENVIRONMENT_PREFIX + name))
        if text is not None:
            is_list = _is_list(_keys(cls)[key].annotation)
            found[key] = [part.strip() for part in text.split(",") if part.strip()] if is_list else text
    return _nested(found)


def _from_file(cls: type[BaseModel], path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError.of("config", str(path), f"a readable YAML file ({error})") from None
    except yaml.YAMLError as error:
        raise ConfigurationError.of("config", str(path), f"valid YAML ({' '.join(str(error).split())})") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigurationError.of("config", str(path), f"a mapping, not {json.dumps(values, default=str)[:80]}")
    for key in values:
        if key not in cls.model_fields:
            raise unknown_key(str(key), cls.model_fields, "setting")
    return values


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in flat.items():
        *parents, last = key.split(".")
        inner = values
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[last] = value
    return values


def _merge(values: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(values.get(key), dict):
            _merge(values[key], value)
        else:
            values[key] = value
