"""What the groups of calls of the servicer share."""

from collections.abc import Callable
from dataclasses import dataclass

from heronry.params.config import ParamsSettings
from heronry.params.open_state import OpenState
from heronry.params.transfers import Transfers
from heronry.runtime.clock import Clock


@dataclass(frozen=True)
class Surroundings:
    """What calls work with; `state` gives the run's models or raises UnavailableError."""

    state: Callable[[], OpenState]
    transfers: Transfers
    settings: ParamsSettings
    clock: Clock
