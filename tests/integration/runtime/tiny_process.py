"""A service's process as small as can be, run by the tests."""

import sys

from heronry.api.learner.v1 import learner_pb2, learner_pb2_grpc
from heronry.runtime import ServerBuilder, ServiceNode, ServiceSettings, run_service
from heronry.types.run import Assignment, Progress


class TinyLearner(learner_pb2_grpc.LearnerServiceServicer):
    async def GetStatistics(self, request, context):
        return learner_pb2.GetStatisticsResponse()


class TinyService:
    role = "learner"

    def __init__(self, settings: ServiceSettings) -> None:
        if settings.instance == "broken":
            raise RuntimeError("a bug")

    def add_to_server(self, server: ServerBuilder) -> None:
        add = learner_pb2_grpc.add_LearnerServiceServicer_to_server
        server.add(TinyLearner(), add, "heronry.api.learner.v1.LearnerService")

    async def start(self, node: ServiceNode) -> None: ...

    async def stop(self) -> None: ...

    async def reconcile(self, assignment: Assignment) -> None: ...

    def progress(self) -> Progress:
        return Progress()


if __name__ == "__main__":
    sys.exit(run_service("learner", ServiceSettings, TinyService))
