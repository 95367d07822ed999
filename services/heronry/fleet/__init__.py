"""The environment fleet: steps environments with a policy and judges policies."""

from heronry.fleet.config import FleetServiceSettings as Settings
from heronry.fleet.service import FleetService, build

__all__ = ["FleetService", "Settings", "build"]
