"""`python -m heronry.bench.fleet.inference_server SOCKET`: an inference service with one policy and no learner."""

import asyncio
import sys
from collections.abc import Callable

import numpy as np
import uvloop

from heronry.api.learner.v1 import inference_pb2_grpc
from heronry.learner.core.inference import Inference, InferenceLimits, Policy, Stateless
from heronry.learner.inference import InferenceEngine, InferenceHost, InferenceServicer
from heronry.maths.forward_backends import make_forward
from heronry.maths.networks import Layers, network_for
from heronry.maths.spaces import ActionSpace, ObservationSpace
from heronry.runtime import ServerBuilder
from heronry.runtime.clock import SystemClock
from heronry.runtime.server import RpcServer
from heronry.runtime.settings import ServiceSettings
from heronry.types.columns import ColumnSpec
from heronry.types.errors import VersionNotFoundError
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion

RUN_ID = "bench"
SERVICE = "heronry.api.learner.v1.InferenceService"


def _policy() -> Policy:
    network = network_for("ppo", Layers((64, 64)), ObservationSpace((4,)), ActionSpace("discrete", num_actions=2))
    forward = make_forward("native", network, "policy", network.init(np.random.default_rng(1)))
    return Policy(ParameterVersion(1, 1), Stateless(forward), np.empty(0, np.float32))


async def _no_other(number: int) -> Callable[[], Policy]:
    raise VersionNotFoundError(f"version {number}: this benchmark has version 1 alone")


async def _serve(address: str) -> None:
    clock, host = SystemClock(), InferenceHost()
    observation = ColumnSpec("observation", ElementType.FLOAT32, (4,))
    engine = InferenceEngine(Inference(RUN_ID, observation, 2, InferenceLimits(), clock.now), _no_other, clock.now)
    host.take(engine)
    await engine.add(_policy)
    builder = ServerBuilder()
    builder.add(InferenceServicer(host), inference_pb2_grpc.add_InferenceServiceServicer_to_server, SERVICE)
    server = RpcServer(ServiceSettings.model_validate({"listen": (address,)}), builder)
    await server.start()
    await server.set_serving()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
