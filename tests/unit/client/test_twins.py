"""The blocking twin offers what the asynchronous clients offer, under the same names."""

import inspect

import pytest

import heronry.client as aio
from heronry.client import sync

PAIRS = [
    (aio.Mesh, sync.Mesh),
    (aio.ParamsClient, sync.ParamsClient),
    (aio.ReplayClient, sync.ReplayClient),
    (aio.ShardedParamsClient, sync.ShardedParamsClient),
    (aio.RemoteOptimizer, sync.RemoteOptimizer),
    (aio.Worker, sync.Worker),
    (aio.Writer, sync.Writer),
    (aio.PriorityUpdates, sync.PriorityUpdates),
    (aio.ReplayBufferPool, sync.ReplayBufferPool),
    (aio.PoolWriter, sync.PoolWriter),
    (aio.PoolPriorityUpdates, sync.PoolPriorityUpdates),
    (aio.CoordinatorClient, sync.CoordinatorClient),
    (aio.FleetClient, sync.FleetClient),
    (aio.LearnerClient, sync.LearnerClient),
    (aio.InferenceClient, sync.InferenceClient),
    (aio.InferenceStream, sync.InferenceStream),
]
# What only services need, what the blocking mesh does for its clients, and what the twins are built on.
NOT_TWINNED = {
    "CoordinatorClient": {"register", "heartbeat", "deregister", "watch_assignment"},
    "Mesh": {"open", "fleets"},
    "PriorityUpdates": {"try_update", "room"},
    "ParamsClient": {"push_packed"},
    "ShardedParamsClient": {"shards"},
    "Writer": {"flow"},
    "ReplayBufferPool": {"open"},
}


def public_names(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")} - NOT_TWINNED.get(cls.__name__, set())


@pytest.mark.parametrize(("original", "twin"), PAIRS)
def test_the_twin_has_every_name(original: type, twin: type) -> None:
    assert public_names(original) <= public_names(twin)


@pytest.mark.parametrize(("original", "twin"), PAIRS)
def test_the_twin_s_methods_take_the_same_arguments(original: type, twin: type) -> None:
    for name in public_names(original):
        method = getattr(original, name)
        if callable(method):
            expected = inspect.signature(method).parameters
            assert dict(inspect.signature(getattr(twin, name)).parameters) == dict(expected), name
