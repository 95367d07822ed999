"""An inference service on a real server, with policies that the test gives it, and its clients."""

from functools import partial

import numpy as np

from heronry.api.learner.v1 import inference_pb2_grpc
from heronry.client import ConnectionOptions, InferenceClient
from heronry.learner.core.inference import Inference, Policy
from heronry.learner.inference import InferenceEngine, InferenceHost, InferenceServicer
from heronry.runtime import ServerBuilder
from heronry.runtime.clock import SystemClock
from heronry.runtime.server import RpcServer
from heronry.runtime.settings import ServiceSettings
from heronry.types.columns import ColumnSpec
from heronry.types.errors import VersionNotFoundError
from heronry.types.inference import LaneGroup
from heronry.types.tensors import ElementType
from heronry.types.version import ParameterVersion
from heronry.wire.options import Keepalive

SERVICE = "heronry.api.learner.v1.InferenceService"
KEEPALIVE_S = 0.3
KEEPALIVE = Keepalive(KEEPALIVE_S, KEEPALIVE_S)
OPTIONS = ConnectionOptions(timeout_s=5.0, retry_s=2.0, reconnect_s=10.0, keepalive=KEEPALIVE)


class Counting:
    """Outputs `number * observation` and how many steps of its episode a lane has seen."""

    width = 1

    def __init__(self, number, error=None):
        self.number = number
        self.error = error

    def __call__(self, observations, states):
        if self.error is not None:
            raise self.error
        after = states + np.float32(1.0)
        return np.concatenate([np.float32(self.number) * observations, after], axis=1), after


class Server:
    """A server on one socket, its engine, and clients."""

    def __init__(self, address, limits):
        self.address = address
        self.limits = limits
        self.clients = []
        self.at_params = {}

    async def start(self):
        self.host = InferenceHost()
        observed = ColumnSpec("observation", ElementType.FLOAT32, (2,))
        core = Inference("run", observed, 3, self.limits, SystemClock().now)
        self.engine = InferenceEngine(core, self.fetch, SystemClock().now)
        self.host.take(self.engine)
        await self.listen()

    async def listen(self):
        """Open a server around the engine there is."""
        builder = ServerBuilder()
        add = inference_pb2_grpc.add_InferenceServiceServicer_to_server
        builder.add(InferenceServicer(self.host), add, SERVICE)
        settings = ServiceSettings(listen=(self.address,), keepalive_s=KEEPALIVE_S, ping_timeout_s=KEEPALIVE_S)
        self.server = RpcServer(settings, builder)
        await self.server.start()
        await self.server.set_serving()

    async def stop(self):
        await self.host.leave(self.engine)
        await self.server.drain(0.0)

    async def publish(self, number, error=None, epoch=1):
        policy = Policy(ParameterVersion(epoch, number), Counting(number, error), np.empty(0, np.float32))
        await self.engine.add(lambda: policy)

    async def fetch(self, number):
        if number not in self.at_params:
            raise VersionNotFoundError.of("version", number, sorted(self.at_params))
        return partial(self.at_params.__getitem__, number)

    def client(self, address=None, options=OPTIONS):
        self.clients.append(InferenceClient(address or self.address, options))
        return self.clients[-1]

    def stream(self, group_id="fleet-0/0", **changes):
        return self.client().stream(lanes(group_id, **changes))

    async def close(self):
        for client in self.clients:
            await client.close()
        await self.stop()


def lanes(group_id="fleet-0/0", **changes):
    values = {"run_id": "run", "num_starts": 1, "num_lanes": 2, "element_type": ElementType.FLOAT32, "shape": (2,)}
    return LaneGroup(group_id=group_id, **{**values, **changes})


def observed(value):
    return np.full((2, 2), value, np.float32)
