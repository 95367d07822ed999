"""The blocking twin of `heronry.client`: same names, for scripts and notebooks."""

from heronry.client.sync.coordinator import CoordinatorClient
from heronry.client.sync.inference import InferenceClient, InferenceStream
from heronry.client.sync.mesh import Mesh
from heronry.client.sync.params import ParamsClient
from heronry.client.sync.pool import PoolPriorityUpdates, PoolWriter, ReplayBufferPool
from heronry.client.sync.priority_updates import PriorityUpdates
from heronry.client.sync.remote_optimizer import RemoteOptimizer
from heronry.client.sync.replay import ReplayClient
from heronry.client.sync.sharded_params import ShardedParamsClient
from heronry.client.sync.worker import Worker
from heronry.client.sync.workers import FleetClient, LearnerClient
from heronry.client.sync.writer import Writer

__all__ = [
    "ShardedParamsClient",
    "CoordinatorClient",
    "FleetClient",
    "InferenceClient",
    "InferenceStream",
    "LearnerClient",
    "Mesh",
    "ParamsClient",
    "PoolPriorityUpdates",
    "PoolWriter",
    "PriorityUpdates",
    "RemoteOptimizer",
    "ReplayBufferPool",
    "ReplayClient",
    "Worker",
    "Writer",
]
