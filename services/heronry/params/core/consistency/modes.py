"""The mode that the settings name."""

from heronry.params.core.consistency.arrivals import ArrivalMode
from heronry.params.core.consistency.cohorts import SynchronousMode
from heronry.params.core.consistency.leads import StaleSynchronousMode
from heronry.params.core.consistency.mode import Mode, Surroundings
from heronry.params.core.consistency.sampled import SampledMode
from heronry.types.consistency import Consistency, SampledRounds, StaleSynchronous, SynchronousRounds


def mode_of(settings: Consistency, surroundings: Surroundings) -> Mode:
    """Return what decides by these settings."""
    if isinstance(settings, SynchronousRounds):
        return SynchronousMode(settings, surroundings)
    if isinstance(settings, SampledRounds):
        return SampledMode(settings, surroundings)
    if isinstance(settings, StaleSynchronous):
        return StaleSynchronousMode(settings, surroundings)
    return ArrivalMode(settings, surroundings)
