"""What a server takes for a servicer."""

import pytest

from heronry.api.learner.v1 import learner_pb2_grpc
from heronry.runtime.server import ServerBuilder

NAME = "heronry.api.learner.v1.LearnerService"
add = learner_pb2_grpc.add_LearnerServiceServicer_to_server


class Blocking(learner_pb2_grpc.LearnerServiceServicer):
    def GetStatistics(self, request, context): ...


def test_a_method_that_is_not_async_is_refused() -> None:
    with pytest.raises(TypeError, match="GetStatistics is not `async def`"):
        ServerBuilder().add(Blocking(), add, NAME)


@pytest.mark.parametrize(("name", "raw"), [("heronry.api.learner.v1.Other", ()), (NAME, ("Nothing",))])
def test_a_name_that_the_service_does_not_have_is_refused(name, raw) -> None:
    with pytest.raises(ValueError, match=r"is not .* or has no"):
        ServerBuilder().add(learner_pb2_grpc.LearnerServiceServicer(), add, name, raw_requests=raw)
