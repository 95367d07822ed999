"""The blocking twin of `heronry.client`: same names, for scripts and notebooks."""

from heronry.client.sync.coordinator import CoordinatorClient
from heronry.client.sync.mesh import Mesh
from heronry.client.sync.params import ParamsClient
from heronry.client.sync.replay import ReplayClient, Writer
from heronry.client.sync.workers import FleetClient, LearnerClient

__all__ = ["CoordinatorClient", "FleetClient", "LearnerClient", "Mesh", "ParamsClient", "ReplayClient", "Writer"]
