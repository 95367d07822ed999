"""The coordinator: knows the services and the run."""

from heronry.coordinator.config import CoordinatorSettings
from heronry.coordinator.config import CoordinatorSettings as Settings
from heronry.coordinator.service import CoordinatorService, build

__all__ = ["CoordinatorService", "CoordinatorSettings", "Settings", "build"]
