"""From settings to optimisers."""

from dataclasses import asdict

import numpy as np

from heronry.params.core.layout import ParameterLayout
from heronry.params.core.optimizers.adaptive import Adagrad, Adam
from heronry.params.core.optimizers.grouped import Grouped, Section
from heronry.params.core.optimizers.mixing import Mixing
from heronry.params.core.optimizers.sgd import Sgd
from heronry.params.core.optimizers.state import Optimizer
from heronry.types.errors import InvalidArgumentError
from heronry.types.models import ModelSettings, check_groups
from heronry.types.optimizers import AdagradOptimizer, MixingOptimizer, ServerOptimizer, SgdOptimizer


def check_precision(field: str, settings: ServerOptimizer, dtype: np.dtype[np.floating]) -> None:
    """Refuse figures that a model's number type does not hold: steps would make NaN, or none at all.

    Raises:
      InvalidArgumentError: a figure that is infinite there, or 0 though it is not.
    """
    limits = np.finfo(dtype)
    for name, value in asdict(settings).items():
        size = abs(float(value))
        if size and not float(limits.smallest_subnormal) <= size <= float(limits.max):
            allowed = f"{limits.smallest_subnormal:.3g} to {limits.max:.3g} ({dtype})"
            raise InvalidArgumentError.of(f"{field}.{name}", value, allowed)


def optimizer_of(settings: ModelSettings, layout: ParameterLayout) -> Optimizer:
    """Return the optimiser of a model: of groups with settings of their own, each by these.

    Raises:
      InvalidArgumentError: a figure that the model's number type does not hold, or settings of a group that no
        learnt tensor is in.
    """
    groups = settings.group_optimizers
    check_precision("optimizer", settings.optimizer, layout.dtype)
    for group, optimizer in groups.items():
        check_precision(f"group_optimizers.{group}", optimizer, layout.dtype)
    if settings.shard is None:
        # A shard may well have no tensor of a group that the whole model has.
        check_groups(layout.schema, groups)
    sections = [
        Section(start, stop, optimizer_for(groups.get(group, settings.optimizer)))
        for group, start, stop in layout.sections(groups)
    ]
    return Grouped(sections) if groups and sections else optimizer_for(settings.optimizer)


def optimizer_for(settings: ServerOptimizer) -> Optimizer:
    """Return the optimiser that settings of one describe."""
    if isinstance(settings, SgdOptimizer):
        return Sgd(settings)
    if isinstance(settings, AdagradOptimizer):
        return Adagrad(settings)
    if isinstance(settings, MixingOptimizer):
        return Mixing(settings)
    return Adam(settings)
