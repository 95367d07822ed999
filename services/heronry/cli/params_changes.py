"""`heronry params set`, `rollback`, `tag`, `delete` and `save`: changes to a live service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from typing import TYPE_CHECKING, NoReturn, TypeVar

from heronry.cli.access import Access
from heronry.cli.params_fields import figures_of, kind_of, mode_of, settings_fields, shown_value, version_fields
from heronry.cli.params_service import AnyParamsClient, ask_params
from heronry.cli.screen import print_line
from heronry.types.consistency import LatePolicy
from heronry.types.errors import ConfigurationError
from heronry.types.models import ModelSettings
from heronry.types.optimizers import ServerOptimizer

if TYPE_CHECKING:
    from rich.console import Console

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
LIMIT_FLAGS = {"max_norm": "--max-norm", "max_weight": "--max-weight", "requires_lease": "--requires-lease"}

Changes = Mapping[str, object]
PartT = TypeVar("PartT")


@dataclass(frozen=True)
class Figures:
    """What is to change of a model's mode, optimiser and limits, by the names of their fields.

    Attributes:
      group: whose optimiser changes; empty: the default one.
    """

    consistency: Changes
    optimizer: Changes
    limits: Changes
    versions_kept: int | None = None
    group: str = ""

    def __bool__(self) -> bool:
        return bool(self.consistency or self.optimizer or self.limits or self.versions_kept)


def set_figures(access: Access, model: str, figures: Figures) -> dict[str, object]:
    """Change what is given of a live model; return its settings as they are now.

    Raises:
      ConfigurationError: the model's mode or optimiser has no such figure.
    """

    async def ask(client: AnyParamsClient) -> ModelSettings:
        settings = (await client.get_model(model)).settings
        mode, present = mode_of(settings.consistency), _optimizer_of(model, settings, figures.group)
        optimizer = _changed(model, kind_of(present), present, figures.optimizer, OPTIMIZER_FLAGS)
        changed = await client.update_model(
            model,
            consistency=_changed(model, mode, settings.consistency, figures.consistency, CONSISTENCY_FLAGS),
            optimizer=None if figures.group else optimizer,
            group_optimizers={figures.group: optimizer} if figures.group and optimizer else None,
            limits=replace(settings.limits, **figures.limits) if figures.limits else None,  # type: ignore[arg-type]  # its own check tells what is wrong
            num_versions_kept=figures.versions_kept or 0,
        )
        return changed.settings

    return {"model": model, "settings": settings_fields(ask_params(access, ask))}


def _optimizer_of(model: str, settings: ModelSettings, group: str) -> ServerOptimizer:
    """Return the optimiser of a group; of none, the default one."""
    groups = settings.group_optimizers
    if group and group not in groups:
        allowed = f"groups of {model} with an optimiser of their own: {', '.join(sorted(groups)) or 'it has none'}"
        raise ConfigurationError.of("--group", group, allowed)
    return groups[group] if group else settings.optimizer


def refuse_no_figure(console: "Console", access: Access, model: str) -> NoReturn:
    """Print what can be set of a model, with its present values, and refuse a call that sets nothing.

    Raises:
      ConfigurationError: always.
    """

    async def ask(client: AnyParamsClient) -> ModelSettings:
        return (await client.get_model(model)).settings

    present = settable(ask_params(access, ask))
    print_line(console, f"model {model}: what can be set, and its present values")
    width = max(map(len, present))
    for flag, value in present.items():
        print_line(console, f"  {flag:<{width}}  {shown_value(value)}")
    raise ConfigurationError.of("set", "no figure", f"at least one of {', '.join(present)}")


def settable(settings: ModelSettings) -> dict[str, object]:
    """Return the values that can be set of a model with these settings, by their flags."""
    parts: tuple[tuple[object, Mapping[str, str]], ...] = (
        (settings.consistency, CONSISTENCY_FLAGS),
        (settings.optimizer, OPTIMIZER_FLAGS),
        (settings.limits, LIMIT_FLAGS),
    )
    found: dict[str, object] = {}
    for part, flags in parts:
        figures = figures_of(part)
        found |= {flag: figures[name] for name, flag in flags.items() if name in figures}
    return {**found, "--versions-kept": settings.num_versions_kept}


def roll_back(access: Access, model: str, number: int | None, tag: str | None) -> dict[str, object]:
    """Publish an earlier version's values again; return the new version."""
    if (number is None) == (tag is None):
        raise ConfigurationError.of("rollback", "both" if tag else "neither", "one of --number and --tag")

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        version = await client.rollback_model(model, number=number, tag=tag)
        return {"model": model, "version": version_fields(version)}

    return ask_params(access, ask)


def tag_version(access: Access, model: str, tag: str, number: int) -> dict[str, object]:
    """Keep a version under a name; return the version."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        version = await client.tag_version(model, tag, number)
        return {"model": model, "tag": tag, "version": version_fields(version)}

    return ask_params(access, ask)


def delete_model(access: Access, model: str) -> dict[str, object]:
    """Drop a model with its versions."""

    async def ask(client: AnyParamsClient) -> dict[str, object]:
        await client.delete_model(model)
        return {"model": model}

    return ask_params(access, ask)


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
