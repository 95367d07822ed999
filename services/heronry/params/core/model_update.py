"""Changes to the settings of a live model."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heronry.privacy.refusals import check_settings
from heronry.types.consistency import Consistency
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ContributionLimits, ModelSettings
from heronry.types.optimizers import ServerOptimizer


@dataclass(frozen=True)
class ModelUpdate:
    """What is to change; None stays.

    Attributes:
      consistency: the same mode with other figures.
      optimizer: the same kind with other rates.
      group_optimizers: those of groups, each of the same kind; other groups' stay.
    """

    consistency: Consistency | None = None
    limits: ContributionLimits | None = None
    optimizer: ServerOptimizer | None = None
    num_versions_kept: int | None = None
    group_optimizers: Mapping[str, ServerOptimizer] = field(default_factory=dict)

    def applied_to(self, settings: ModelSettings) -> ModelSettings:
        """Return the settings with the changes.

        Raises:
          InvalidArgumentError: another mode or kind, figures that do not go with the aggregation, or what a
            privacy claim does not go with.
        """
        _check_same("consistency", settings.consistency, self.consistency)
        _check_same("optimizer", settings.optimizer, self.optimizer)
        groups = settings.group_optimizers
        for group, optimizer in self.group_optimizers.items():
            if group not in groups:
                allowed = ", ".join(groups) or "none: all tensors have `optimizer`"
                raise InvalidArgumentError.of("group_optimizers", group, allowed)
            _check_same(f"group_optimizers.{group}", groups[group], optimizer)
        if settings.privacy is not None and self.consistency not in {None, settings.consistency}:
            allowed = "as registered (the privacy claim rests on it)"
            raise InvalidArgumentError.of("consistency", self.consistency, allowed)
        changed = replace(
            settings,
            consistency=settings.consistency if self.consistency is None else self.consistency,
            limits=settings.limits if self.limits is None else self.limits,
            optimizer=settings.optimizer if self.optimizer is None else self.optimizer,
            group_optimizers={**groups, **self.group_optimizers},
            num_versions_kept=(
                settings.num_versions_kept if self.num_versions_kept is None else self.num_versions_kept
            ),
        )
        if changed.privacy is not None:
            check_settings(changed, changed.privacy)
        return changed


def _check_same(field: str, has: object, wanted: object | None) -> None:
    if wanted is not None and type(wanted) is not type(has):
        allowed = f"{type(has).__name__} with other figures: its state is kept"
        raise InvalidArgumentError.of(field, type(wanted).__name__, allowed)
