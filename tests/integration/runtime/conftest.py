"""A tiny service on a real server, and its clients."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import grpc
import grpc.aio
import pytest

from heronry.api.params.v1 import params_pb2, params_pb2_grpc
from heronry.api.replay.v1 import replay_pb2, replay_pb2_grpc
from heronry.runtime import ServerBuilder, ServiceNode, ServiceSettings, client_id_of, guarded
from heronry.types.run import Assignment, Progress
from heronry.wire.chunks import ChunkAssembler, cut_frames, upload_end

REPLAY = "heronry.api.replay.v1.ReplayService"
PARAMS = "heronry.api.params.v1.ParamsService"
STALL_S = 0.3


class TinyReplay(replay_pb2_grpc.ReplayServiceServicer):
    """Behaves as the table's name says; `errors` are raised by name."""

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}
        self.entered = asyncio.Event()
        self.release = asyncio.Event()
        self.ended: list[str] = []

    async def GetTable(self, request, context):
        if request.table in self.errors:
            raise self.errors[request.table]
        if request.table == "slow":
            self.entered.set()
            await self.release.wait()
        if request.table == "aborts":
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, "its own words")
        definition = replay_pb2.TableDefinition(table=f"{request.table} of {client_id_of(context)}")
        return replay_pb2.GetTableResponse(info=replay_pb2.TableInfo(definition=definition))

    async def Append(self, request_iterator, context):
        try:
            async for request in guarded(request_iterator, STALL_S):
                yield replay_pb2.AppendResponse(accepted_sequence=request.block.sequence)
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.ended.append("closed")

    async def Sample(self, request_iterator, context):
        first = await anext(aiter(request_iterator))
        name = first.header.table
        self.entered.set()
        yield replay_pb2.SampleResponse(waiting=replay_pb2.Waiting(side="sample"))
        if name in self.errors:
            raise self.errors[name]
        if name == "flood":
            while True:
                yield replay_pb2.SampleResponse(batch_part=replay_pb2.BatchPart(data=bytes(1 << 20)))
        if name == "idle":
            await self.release.wait()


class TinyParams(params_pb2_grpc.ParamsServiceServicer):
    """Takes uploads as raw frames, serves one buffer from frames that were cut once."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.content = b""

    async def Push(self, request_iterator, context):
        assembler = ChunkAssembler(0)
        end = None
        async for frame in guarded(request_iterator, STALL_S):
            if assembler.add_frame(frame, params_pb2.PushRequest):
                continue
            request = params_pb2.PushRequest.FromString(frame)
            if request.WhichOneof("part") == "header":
                assembler = ChunkAssembler(request.header.num_bytes, max_bytes=1 << 26)
            else:
                end = request.end
        self.content = assembler.finish(end).tobytes()
        return params_pb2.PushResponse(counted=True)

    async def Pull(self, request, context):
        yield params_pb2.PullResponse(manifest=params_pb2.Manifest(num_chunks=len(self.frames))).SerializeToString()
        for frame in self.frames:
            yield frame


class TinyService:
    role = "replay"

    def __init__(self) -> None:
        self.replay = TinyReplay()
        self.params = TinyParams()
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.is_stopped = False
        self.assignments: list[Assignment] = []
        self.reconciled = asyncio.Event()
        self.reconcile_errors: list[Exception] = []
        self.figures: dict[str, float] = {}

    def add_to_server(self, server: ServerBuilder) -> None:
        server.add(self.replay, replay_pb2_grpc.add_ReplayServiceServicer_to_server, REPLAY)
        server.add(
            self.params,
            params_pb2_grpc.add_ParamsServiceServicer_to_server,
            PARAMS,
            raw_requests=("Push",),
            raw_responses=("Pull",),
        )

    async def start(self, node: ServiceNode) -> None:
        await self.may_start.wait()

    async def stop(self) -> None:
        self.is_stopped = True

    async def reconcile(self, assignment: Assignment) -> None:
        self.assignments.append(assignment)
        self.reconciled.set()
        if self.reconcile_errors:
            raise self.reconcile_errors.pop(0)

    def progress(self) -> Progress:
        return Progress(figures=self.figures)


@dataclass
class Running:
    """A node that serves, with a channel to it."""

    node: ServiceNode
    service: TinyService
    channel: grpc.aio.Channel
    replay: object = field(init=False)
    params: object = field(init=False)

    def __post_init__(self) -> None:
        self.replay = replay_pb2_grpc.ReplayServiceStub(self.channel)
        self.params = params_pb2_grpc.ParamsServiceStub(self.channel)

    async def get_table(self, table: str, **options: object) -> str:
        response = await self.replay.GetTable(replay_pb2.GetTableRequest(table=table), **{"timeout": 5, **options})
        return response.info.definition.table

    async def until_streams(self, count: int) -> None:
        """Wait until that many streams are open."""
        async with asyncio.timeout(5):
            while self.node.num_streams != count:  # noqa: ASYNC110 # the server tells nobody
                await asyncio.sleep(0.005)

    def sample(self, table: str, **options: object):
        async def requests():
            yield replay_pb2.SampleRequest(header=replay_pb2.SampleHeader(table=table))
            await asyncio.Event().wait()

        return self.replay.Sample(requests(), **options)


Serve = Callable[..., contextlib.AbstractAsyncContextManager[Running]]


@pytest.fixture
def serve() -> Serve:
    """Run the tiny service with the settings given; yields it with an open channel."""

    @contextlib.asynccontextmanager
    async def run(credentials: grpc.ChannelCredentials | None = None, **settings: object) -> AsyncIterator[Running]:
        service = TinyService()
        node = ServiceNode(service, ServiceSettings(**{"stall_s": STALL_S, "drain_s": 2.0, **settings}))
        await node.start()
        target = node.addresses[0].replace("127.0.0.1", "localhost") if credentials else node.addresses[0]
        channel = grpc.aio.secure_channel(target, credentials) if credentials else grpc.aio.insecure_channel(target)
        try:
            async with channel:
                yield Running(node, service, channel)
        finally:
            service.replay.release.set()
            await node.stop()

    return run


@pytest.fixture
def upload_of() -> Callable[..., list[bytes]]:
    """Return the frames of a push of some bytes."""

    def frames(content: bytes) -> list[bytes]:
        header = params_pb2.PushRequest(header=params_pb2.PushHeader(num_bytes=len(content)))
        end = params_pb2.PushRequest(end=upload_end(content))
        middle = cut_frames(content, params_pb2.PushRequest)
        return [header.SerializeToString(), *middle, end.SerializeToString()]

    return frames
