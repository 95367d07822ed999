"""What a fleet steps; apart from what makes it, so that a plan needs no Gymnasium."""

from dataclasses import dataclass

from heronry.environments.settings import EnvironmentSettings


@dataclass(frozen=True)
class LaneSettings:
    """What is stepped, by how many lanes, and how.

    Attributes:
      environment: of every lane.
      num_lanes: of the fleet.
      overlap: whether two halves work side by side; None: where the environments leave the
        interpreter's lock to others.
    """

    environment: EnvironmentSettings
    num_lanes: int
    overlap: bool | None = None
