"""The SDK: typed clients of the services, asynchronous; `heronry.client.sync` is the blocking twin."""

from heronry.client.coordinator import CoordinatorClient
from heronry.client.error_feedback import ErrorFeedback
from heronry.client.fleet import FleetClient
from heronry.client.learner import LearnerClient
from heronry.client.local_values import mix
from heronry.client.mesh import Mesh
from heronry.client.options import ConnectionOptions, TlsOptions
from heronry.client.parameters import Parameters
from heronry.client.params import ParamsClient
from heronry.client.pool import ReplayBufferPool
from heronry.client.pool_updates import PoolPriorityUpdates
from heronry.client.pool_writer import PoolWriter
from heronry.client.priority_updates import PriorityUpdates
from heronry.client.remote_optimizer import RemoteOptimizer
from heronry.client.replay import ReplayClient
from heronry.client.sharded_parameters import ShardedParameters
from heronry.client.sharded_params import ShardedParamsClient
from heronry.client.worker import Worker
from heronry.client.writer import Writer
from heronry.types.aggregation import (
    Aggregation,
    FederatedMean,
    GeometricMedian,
    Krum,
    Mean,
    Median,
    NormBoundedMean,
    Sum,
    TrimmedMean,
    WeightedMean,
)
from heronry.types.columns import ColumnSpec
from heronry.types.consistency import (
    Asynchronous,
    BufferedAsynchronous,
    LatePolicy,
    StaleSynchronous,
    SynchronousRounds,
)
from heronry.types.contribution import Acknowledgement, ContributionKind, Invitation, ParameterCodec
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
from heronry.types.models import ContributionLimits, ModelInfo, ModelSettings, Shard, VersionInfo, WorkerInfo
from heronry.types.optimizers import (
    AdagradOptimizer,
    AdamOptimizer,
    MixingOptimizer,
    SgdOptimizer,
    YogiOptimizer,
)
from heronry.types.patterns import EpisodeEnd, Pattern, PatternColumn, StackStart
from heronry.types.run import Evaluation, Lease, RunState, RunStatus, ServiceInfo, ServiceRole
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
    "ShardedParamsClient",
    "ShardedParameters",
    "AbortedError",
    "Acknowledgement",
    "AcknowledgementLevel",
    "AdagradOptimizer",
    "AdamOptimizer",
    "Aggregation",
    "AlreadyExistsError",
    "Asynchronous",
    "Batch",
    "BufferedAsynchronous",
    "ColumnSpec",
    "ConfigurationError",
    "ConnectionOptions",
    "ContributionKind",
    "ContributionLimits",
    "CoordinatorClient",
    "DataLossError",
    "DeadlineExceededError",
    "Delivery",
    "ElementType",
    "EnvironmentNotFoundError",
    "EpisodeEnd",
    "ErrorFeedback",
    "Evaluation",
    "FailedPreconditionError",
    "FederatedMean",
    "FencedError",
    "FleetClient",
    "ForeignEpochError",
    "GeometricMedian",
    "HeronryError",
    "Imported",
    "InternalError",
    "InvalidArgumentError",
    "InvalidContributionError",
    "Invitation",
    "Krum",
    "LatePolicy",
    "LearnerClient",
    "Lease",
    "Mean",
    "Median",
    "MergeRule",
    "Mesh",
    "MessageTooLargeError",
    "MixingOptimizer",
    "ModelInfo",
    "ModelNotFoundError",
    "ModelSettings",
    "NormBoundedMean",
    "NotFoundError",
    "ParameterCodec",
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
    "RemoteOptimizer",
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
    "Shard",
    "StackStart",
    "StaleContributionError",
    "StaleSynchronous",
    "Sum",
    "SynchronousRounds",
    "TableDefinition",
    "TableInfo",
    "TableNotFoundError",
    "TensorRole",
    "TlsOptions",
    "TrimmedMean",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "VersionInfo",
    "VersionNotFoundError",
    "WeightedMean",
    "Worker",
    "WorkerInfo",
    "Writer",
    "YogiOptimizer",
    "mix",
]
