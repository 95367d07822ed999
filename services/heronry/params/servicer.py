"""Decodes calls, makes one core call each, encodes answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import params_pb2_grpc
from heronry.params.config import ParamsSettings
from heronry.params.core.export import export_version
from heronry.params.core.versions import Published
from heronry.params.frames import FrameCache, manifest_frame, unchanged_frame
from heronry.params.open_state import OpenState
from heronry.params.upload import Upload
from heronry.runtime.clock import Clock
from heronry.runtime.interceptors import client_id_of
from heronry.types.contribution import Acknowledgement, ContributionHeader, ParameterCodec
from heronry.types.errors import (
    FailedPreconditionError,
    HeronryError,
    MessageTooLargeError,
    SchemaMismatchError,
    UnimplementedError,
)
from heronry.types.models import ModelSettings
from heronry.types.tensors import ModelSchema
from heronry.types.version import ParameterVersion
from heronry.wire.chunks import CHUNK_BYTES
from heronry.wire.contributions import acknowledgement_to_proto, codec_from_proto, contribution_header_from_proto
from heronry.wire.model_settings import settings_from_proto
from heronry.wire.models import (
    model_info_to_proto,
    privacy_status_to_proto,
    version_info_to_proto,
    worker_info_to_proto,
)
from heronry.wire.registry import lease_to_proto
from heronry.wire.schema import schema_from_proto
from heronry.wire.struct import struct_from_proto
from heronry.wire.times import duration_from_proto
from heronry.wire.versions import version_from_proto, version_to_proto

RAW_REQUESTS = ("Push", "RegisterModel")
RAW_RESPONSES = ("Pull", "Watch")


class ParamsServicer(params_pb2_grpc.ParamsServiceServicer):
    """Serves the models of the run that is open; holds no aggregation logic of its own.

    Uploads come as bytes and downloads leave as bytes (`RAW_REQUESTS`, `RAW_RESPONSES`).
    """

    def __init__(
        self, state: Callable[[], OpenState], frames: FrameCache, settings: ParamsSettings, clock: Clock
    ) -> None:
        """Take `state`, which gives the run's models or raises UnavailableError."""
        self._state = state
        self._frames = frames
        self._settings = settings
        self._clock = clock

    async def RegisterModel(  # type: ignore[override] # see RAW_REQUESTS
        self, requests: AsyncIterator[bytes], context: object
    ) -> pb.RegisterModelResponse:
        state = self._state()
        upload = Upload(requests, pb.RegisterModelRequest, self._settings.stall_s)
        header = (await upload.header()).header
        schema = schema_from_proto(header.schema)
        settings = settings_from_proto(header.settings) if header.HasField("settings") else ModelSettings()
        self._check_size(schema)
        await state.owner.call(state.models.check_registration, header.model, schema)
        flat = await upload.flat(schema.num_bytes)
        arguments = (header.model, schema, settings, flat, self._clock.wall())
        outcome: tuple[ParameterVersion, bool] = await state.owner.call(state.models.register, *arguments)
        return pb.RegisterModelResponse(version=version_to_proto(outcome[0]), created=outcome[1])

    async def GetModel(self, request: pb.GetModelRequest, context: object) -> pb.GetModelResponse:
        state = self._state()
        info = await state.owner.call(lambda: state.models.model(request.model).info())
        return pb.GetModelResponse(info=model_info_to_proto(info))

    async def ListModels(self, request: pb.ListModelsRequest, context: object) -> pb.ListModelsResponse:
        state = self._state()
        infos = await state.owner.call(state.models.infos)
        return pb.ListModelsResponse(models=[model_info_to_proto(info) for info in infos])

    async def Pull(  # type: ignore[override] # see RAW_RESPONSES
        self, request: pb.PullRequest, context: object
    ) -> AsyncIterator[bytes]:
        state = self._state()
        if codec_from_proto(request.codec) is not ParameterCodec.F32:
            raise UnimplementedError(f"codec: got {codec_from_proto(request.codec).value!r}, offered: 'f32'")
        published = await self._pulled(state, request)
        # A schema never changes and the newest version is one reference: read without the owner.
        model = state.models.model(request.model)
        if published is None:
            yield unchanged_frame(model.history.newest)
            return
        for frame in await self._frames.frames(request.model, model.schema, published):
            yield frame

    async def Watch(  # type: ignore[override] # see RAW_RESPONSES
        self, request: pb.WatchRequest, context: object
    ) -> AsyncIterator[bytes]:
        state = self._state()
        schema = await state.owner.call(lambda: state.models.model(request.model).schema)
        last = version_from_proto(request.newer_than) if request.HasField("newer_than") else None
        while True:
            # Asked anew after every version: whoever reads slowly finds only the newest.
            published = await state.owner.call(state.models.newer, request.model, last, True)
            if published is None:
                raise AssertionError("a reader that may wait is given a version")
            last = published.version
            if not request.with_values:
                yield manifest_frame(schema, published)
                continue
            for frame in await self._frames.frames(request.model, schema, published):
                yield frame

    async def Push(  # type: ignore[override] # see RAW_REQUESTS
        self, requests: AsyncIterator[bytes], context: object
    ) -> pb.PushResponse:
        state = self._state()
        upload = Upload(requests, pb.PushRequest, self._settings.stall_s)
        message = (await upload.header()).header
        try:
            answer = await self._pushed(state, upload, message, client_id_of(context))
        except HeronryError:
            await state.owner.call(state.models.count_refused, message.model, client_id_of(context))
            raise
        state.save_if_longer(self._settings.max_journal_bytes)
        return acknowledgement_to_proto(answer)

    async def ListVersions(self, request: pb.ListVersionsRequest, context: object) -> pb.ListVersionsResponse:
        state = self._state()
        infos = await state.owner.call(lambda: state.models.model(request.model).history.infos())
        return pb.ListVersionsResponse(versions=[version_info_to_proto(info) for info in infos])

    async def TagVersion(self, request: pb.TagVersionRequest, context: object) -> pb.TagVersionResponse:
        state = self._state()
        version: ParameterVersion = await state.owner.call(state.models.tag, request.model, request.number, request.tag)
        return pb.TagVersionResponse(version=version_to_proto(version))

    async def ExportVersion(self, request: pb.ExportVersionRequest, context: object) -> pb.ExportVersionResponse:
        state = self._state()
        number, tag = _selection(request)
        published = await state.owner.call(state.models.select, request.model, number, tag, False)
        schema = state.models.model(request.model).schema
        metadata = struct_from_proto(request.metadata)
        arguments = (self._settings.data_dir, request.directory, request.model, schema, published, metadata)
        path = await asyncio.to_thread(export_version, *arguments)
        return pb.ExportVersionResponse(path=str(path), version=version_to_proto(published.version))

    async def SaveCheckpoint(self, request: pb.SaveCheckpointRequest, context: object) -> pb.SaveCheckpointResponse:
        state = self._state()
        if request.run_id not in {"", state.run_id}:
            details = {"field": "run_id", "value": request.run_id, "allowed": state.run_id}
            message = f"run_id: got {request.run_id!r}, allowed: {state.run_id!r} (the run assigned) or empty"
            raise FailedPreconditionError(message, details=details)
        saved = await state.save(request.request_id)
        models = [pb.ModelVersion(model=name, version=version_to_proto(v)) for name, v in saved.versions]
        return pb.SaveCheckpointResponse(path=str(saved.path), models=models)

    async def RegisterWorker(self, request: pb.RegisterWorkerRequest, context: object) -> pb.RegisterWorkerResponse:
        state, now_s = self._state(), self._clock.now()
        lease = await state.owner.call(
            lambda: state.models.model(request.model).workers.register(
                client_id_of(context), request.incarnation, now_s
            )
        )
        return pb.RegisterWorkerResponse(lease=lease_to_proto(lease))

    async def Heartbeat(self, request: pb.HeartbeatRequest, context: object) -> pb.HeartbeatResponse:
        state, now_s = self._state(), self._clock.now()
        lease = await state.owner.call(
            lambda: state.models.model(request.model).workers.renew(client_id_of(context), request.fencing_token, now_s)
        )
        return pb.HeartbeatResponse(lease=lease_to_proto(lease))

    async def UnregisterWorker(
        self, request: pb.UnregisterWorkerRequest, context: object
    ) -> pb.UnregisterWorkerResponse:
        state, now_s = self._state(), self._clock.now()
        await state.owner.call(
            lambda: state.models.model(request.model).workers.unregister(
                client_id_of(context), request.fencing_token, now_s
            )
        )
        return pb.UnregisterWorkerResponse()

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: object) -> pb.ListWorkersResponse:
        state, now_s = self._state(), self._clock.now()
        infos = await state.owner.call(lambda: state.models.model(request.model).workers.infos(now_s))
        return pb.ListWorkersResponse(workers=[worker_info_to_proto(info) for info in infos])

    async def JoinRounds(self, request: pb.JoinRoundsRequest, context: object) -> AsyncIterator[pb.JoinRoundsResponse]:
        state, client_id = self._state(), client_id_of(context)
        round_id = 0
        while True:
            # The time is read whenever the owner tries, not when the wait begins.
            invite = partial(state.models.next_round, request.model, client_id, request.fencing_token, round_id)
            round_id, version = await state.owner.call(lambda invite=invite: invite(self._clock.now()))
            yield pb.JoinRoundsResponse(round_id=round_id, base_version=version_to_proto(version))

    async def GetPrivacyStatus(
        self, request: pb.GetPrivacyStatusRequest, context: object
    ) -> pb.GetPrivacyStatusResponse:
        state = self._state()
        return privacy_status_to_proto(await state.owner.call(state.models.privacy_status, request.model))

    async def _pushed(
        self, state: OpenState, upload: Upload[pb.PushRequest], message: pb.PushHeader, client_id: str
    ) -> Acknowledgement:
        header = contribution_header_from_proto(message)
        if message.num_bytes > CHUNK_BYTES:
            return await self._pushed_large(state, upload, header, message.num_bytes, client_id)
        # One chunk is read sooner than the owner is asked: a refusal need not come before it.
        flat = await upload.flat(message.num_bytes)
        arguments = (header, flat, client_id, self._clock.now(), self._clock.wall())
        answer: Acknowledgement = await state.owner.call(state.models.admit_and_push, *arguments)
        return answer

    async def _pushed_large(
        self,
        state: OpenState,
        upload: Upload[pb.PushRequest],
        header: ContributionHeader,
        num_bytes: int,
        client_id: str,
    ) -> Acknowledgement:
        counted = await state.owner.call(state.models.admit, header, num_bytes, client_id, self._clock.now())
        if counted is not None:
            await upload.discard()
            return counted
        flat = await upload.flat(num_bytes)
        arguments = (header, flat, self._clock.now(), self._clock.wall())
        answer: Acknowledgement = await state.owner.call(state.models.push, *arguments)
        return answer

    async def _pulled(self, state: OpenState, request: pb.PullRequest) -> Published | None:
        wait_s = duration_from_proto(request.wait) if request.HasField("wait") else None
        than = version_from_proto(request.newer_than) if request.HasField("newer_than") else None
        number, tag = _selection(request)
        if number is None and tag is None:
            return await state.awaited(state.models.newer, request.model, than, wait_s=wait_s)
        published = await state.awaited(state.models.select, request.model, number, tag, wait_s=wait_s)
        return published if published.version.is_newer_than(than) else None

    def _check_size(self, schema: ModelSchema) -> None:
        if not schema.tensors:
            raise SchemaMismatchError.of("schema.tensors", "none", "at least one tensor")
        if schema.num_bytes > self._settings.max_model_bytes:
            allowed = f"at most {self._settings.max_model_bytes}"
            raise MessageTooLargeError.of("schema.num_bytes", schema.num_bytes, allowed)


def _selection(request: pb.PullRequest | pb.ExportVersionRequest) -> tuple[int | None, str | None]:
    which = request.WhichOneof("which")
    return (request.number if which == "number" else None), (request.tag if which == "tag" else None)
