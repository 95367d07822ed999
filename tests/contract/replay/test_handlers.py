"""What gRPC expects of every handler."""

import inspect

from heronry.api.replay.v1 import replay_pb2
from heronry.replay.servicer import ReplayServicer


def test_every_method_of_the_service_is_a_coroutine() -> None:
    # A plain method that aborts can hang an aio client.
    methods = replay_pb2.DESCRIPTOR.services_by_name["ReplayService"].methods

    assert all(inspect.iscoroutinefunction(getattr(ReplayServicer, m.name)) for m in methods)
