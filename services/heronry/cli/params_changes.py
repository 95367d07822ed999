"""`heronry params set`, `rollback`, `tag`, `delete` and `save`: changes to a live service."""

from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import TypeVar

from heronry.cli.params_fields import kind_of, mode_of, settings_fields, version_fields
from heronry.cli.params_service import ask_params
from heronry.client.params import ParamsClient
from heronry.types.consistency import LatePolicy
from heronry.types.errors import ConfigurationError
from heronry.types.models import ModelSettings

# Flag by field: of the mode, of the optimiser, of the limits.
CONSISTENCY_FLAGS = {
    "cohort_size": "--cohort-size",
    "quorum": "--quorum",
    "deadline_s": "--deadline",
    "num_extra": "--num-extra",
    "min_workers": "--min-workers",
    "late": "--late",
    "num_contributions": "--num-contributions",
    "max_lead": "--max-lead",
    "max_staleness": "--max-staleness",
    "staleness_exponent": "--staleness-exponent",
}
OPTIMIZER_FLAGS = {
    "learning_rate": "--learning-rate",
    "momentum": "--momentum",
    "beta1": "--beta1",
    "beta2": "--beta2",
    "epsilon": "--epsilon",
    "rate": "--mixing-rate",
}

Changes = Mapping[str, object]
PartT = TypeVar("PartT")


def set_figures(
    address: str, model: str, consistency: Changes, optimizer: Changes, limits: Changes, versions_kept: int | None
) -> dict[str, object]:
    """Change what is given of a live model; return its settings as they are now.

    Raises:
      ConfigurationError: nothing is given, or the model's mode or optimiser has no such figure.
    """
    if not (consistency or optimizer or limits or versions_kept):
        flags = [*CONSISTENCY_FLAGS.values(), *OPTIMIZER_FLAGS.values(), "--max-norm", "--max-weight"]
        raise ConfigurationError.of("set", "no figure", f"at least one of {', '.join(flags)}")

    async def ask(client: ParamsClient) -> ModelSettings:
        settings = (await client.get_model(model)).settings
        changed = await client.update_model(
            model,
            consistency=_changed(
                model, mode_of(settings.consistency), settings.consistency, consistency, CONSISTENCY_FLAGS
            ),
            optimizer=_changed(model, kind_of(settings.optimizer), settings.optimizer, optimizer, OPTIMIZER_FLAGS),
            limits=replace(settings.limits, **limits) if limits else None,  # type: ignore[arg-type]  # its own check tells what is wrong
            num_versions_kept=versions_kept or 0,
        )
        return changed.settings

    return {"model": model, "settings": settings_fields(ask_params(address, ask))}


def roll_back(address: str, model: str, number: int | None, tag: str | None) -> dict[str, object]:
    """Publish an earlier version's values again; return the new version."""
    if (number is None) == (tag is None):
        raise ConfigurationError.of("rollback", "both" if tag else "neither", "one of --number and --tag")

    async def ask(client: ParamsClient) -> dict[str, object]:
        version = await client.rollback_model(model, number=number, tag=tag)
        return {"model": model, "version": version_fields(version)}

    return ask_params(address, ask)


def tag_version(address: str, model: str, tag: str, number: int) -> dict[str, object]:
    """Keep a version under a name; return the version."""

    async def ask(client: ParamsClient) -> dict[str, object]:
        version = await client.tag_version(model, tag, number)
        return {"model": model, "tag": tag, "version": version_fields(version)}

    return ask_params(address, ask)


def delete_model(address: str, model: str) -> dict[str, object]:
    """Drop a model with its versions."""

    async def ask(client: ParamsClient) -> dict[str, object]:
        await client.delete_model(model)
        return {"model": model}

    return ask_params(address, ask)


def late_policy(name: str) -> LatePolicy:
    """Return the policy of a name.

    Raises:
      ConfigurationError: there is none of that name.
    """
    try:
        return LatePolicy(name)
    except ValueError:
        raise ConfigurationError.of("--late", name, ", ".join(policy.value for policy in LatePolicy)) from None


def _changed(model: str, kind: str, part: PartT, changes: Changes, flags: Mapping[str, str]) -> PartT | None:
    """Return the mode or optimiser with other figures, None when there are none."""
    if not changes:
        return None
    known = {field.name for field in fields_of(part)}  # type: ignore[arg-type]  # all settings are dataclasses
    for name, value in changes.items():
        if name not in known:
            allowed = f"not with {kind}, which model {model!r} has: {_listed(flags, known)}"
            raise ConfigurationError.of(flags[name], value, allowed)
    return replace(part, **changes)  # type: ignore[type-var]  # as above


def _listed(flags: Mapping[str, str], known: Iterable[str]) -> str:
    return ", ".join(flag for name, flag in flags.items() if name in set(known))
