"""The SDK: typed clients of the services, asynchronous; `heronry.client.sync` is the blocking twin."""

from heronry.client.coordinator import CoordinatorClient
from heronry.client.fleet import FleetClient
from heronry.client.learner import LearnerClient
from heronry.client.mesh import Mesh
from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient
from heronry.client.pool import ReplayBufferPool
from heronry.client.pool_updates import PoolPriorityUpdates
from heronry.client.pool_writer import PoolWriter
from heronry.client.priority_updates import PriorityUpdates
from heronry.client.replay import ReplayClient
from heronry.client.writer import Writer
from heronry.types.columns import ColumnSpec
from heronry.types.contribution import Acknowledgement, ContributionKind
from heronry.types.errors import (
    AbortedError,
    AlreadyExistsError,
    ConfigurationError,
    DataLossError,
    DeadlineExceededError,
    EnvironmentNotFoundError,
    FailedPreconditionError,
    FencedError,
    ForeignEpochError,
    HeronryError,
    InternalError,
    InvalidArgumentError,
    InvalidContributionError,
    MessageTooLargeError,
    ModelNotFoundError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    RunActiveError,
    RunNotFoundError,
    SchemaMismatchError,
    ServiceNotFoundError,
    StaleContributionError,
    TableNotFoundError,
    UnauthenticatedError,
    UnavailableError,
    UnimplementedError,
    VersionNotFoundError,
)
from heronry.types.experience import AcknowledgementLevel, Batch, Imported, Run, RunItems, SavedSnapshot
from heronry.types.models import AdamOptimizer, Aggregation, ModelSettings, SgdOptimizer
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn, StackStart
from heronry.types.run import Evaluation, RunState, RunStatus, ServiceInfo, ServiceRole
from heronry.types.tables import (
    Delivery,
    PartialEpisodes,
    RateLimiter,
    Selector,
    SelectorKind,
    TableDefinition,
    TableInfo,
)
from heronry.types.tensors import ElementType, MergeRule, TensorRole
from heronry.types.version import ParameterVersion

__all__ = [
    "AbortedError",
    "Acknowledgement",
    "AcknowledgementLevel",
    "AdamOptimizer",
    "Aggregation",
    "AlreadyExistsError",
    "Batch",
    "ColumnSpec",
    "ConfigurationError",
    "ConnectionOptions",
    "ContributionKind",
    "CoordinatorClient",
    "DataLossError",
    "DeadlineExceededError",
    "Delivery",
    "ElementType",
    "EnvironmentNotFoundError",
    "EpisodeEnd",
    "Evaluation",
    "FailedPreconditionError",
    "FencedError",
    "FleetClient",
    "ForeignEpochError",
    "HeronryError",
    "Imported",
    "InternalError",
    "InvalidArgumentError",
    "InvalidContributionError",
    "LearnerClient",
    "MergeRule",
    "Mesh",
    "MessageTooLargeError",
    "ModelNotFoundError",
    "ModelSettings",
    "NotFoundError",
    "ParameterVersion",
    "Parameters",
    "ParamsClient",
    "PartialEpisodes",
    "Pattern",
    "PatternColumn",
    "PermissionDeniedError",
    "PoolPriorityUpdates",
    "PoolWriter",
    "PriorityUpdates",
    "RateLimiter",
    "ReplayBufferPool",
    "ReplayClient",
    "ResourceExhaustedError",
    "Run",
    "RunActiveError",
    "RunItems",
    "RunNotFoundError",
    "RunState",
    "RunStatus",
    "SavedSnapshot",
    "SchemaMismatchError",
    "Selector",
    "SelectorKind",
    "ServiceInfo",
    "ServiceNotFoundError",
    "ServiceRole",
    "SgdOptimizer",
    "StackStart",
    "StaleContributionError",
    "TableDefinition",
    "TableInfo",
    "TableNotFoundError",
    "TensorRole",
    "TlsOptions",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "VersionNotFoundError",
    "Writer",
]
