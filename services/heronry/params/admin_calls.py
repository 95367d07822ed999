"""Calls that describe, select, change and save models."""

# ruff: noqa: N802 # methods are named by the proto

import asyncio
from functools import partial

from heronry.api.params.v1 import params_pb2 as pb
from heronry.api.params.v1 import privacy_pb2
from heronry.params.calls import Surroundings
from heronry.params.core.durability.export import export_version
from heronry.params.core.model_update import ModelUpdate
from heronry.params.info_messages import InfoMessages
from heronry.params.selection import selection
from heronry.types.errors import FailedPreconditionError
from heronry.types.privacy import ClientSpending
from heronry.wire.model_settings import consistency_from_proto, limits_from_proto, optimizer_from_proto
from heronry.wire.models import version_info_to_proto
from heronry.wire.privacy import privacy_status_to_proto
from heronry.wire.struct import struct_from_proto
from heronry.wire.versions import version_to_proto


class AdminCalls:
    """Everything about models but their values."""

    _around: Surroundings
    _infos: InfoMessages

    async def ListModels(self, request: pb.ListModelsRequest, context: object) -> pb.ListModelsResponse:
        state = self._around.state()
        infos = await state.owner.brief(state.models.infos, self._around.clock.now())
        return pb.ListModelsResponse(models=[self._infos.message(info) for info in infos])

    async def ListVersions(self, request: pb.ListVersionsRequest, context: object) -> pb.ListVersionsResponse:
        state = self._around.state()
        infos = await state.owner.brief(lambda: state.models.model(request.model).history.infos())
        return pb.ListVersionsResponse(versions=[version_info_to_proto(info) for info in infos])

    async def TagVersion(self, request: pb.TagVersionRequest, context: object) -> pb.TagVersionResponse:
        state = self._around.state()
        version = await state.change(state.models.tag, request.model, request.number, request.tag)
        return pb.TagVersionResponse(version=version_to_proto(version))

    async def RollbackModel(self, request: pb.RollbackModelRequest, context: object) -> pb.RollbackModelResponse:
        state = self._around.state()
        arguments = request.model, *selection(request), request.request_id, self._around.clock.wall()
        version = await state.change(
            partial(state.models.rollback, asks_all_shards=request.asks_all_shards), *arguments
        )
        state.notice_rounds()
        return pb.RollbackModelResponse(version=version_to_proto(version))

    async def UpdateModel(self, request: pb.UpdateModelRequest, context: object) -> pb.UpdateModelResponse:
        state = self._around.state()
        await state.change(state.models.update, request.model, _update_in(request))
        state.notice_rounds()
        return pb.UpdateModelResponse(info=await self._info(request.model))

    async def DeleteModel(self, request: pb.DeleteModelRequest, context: object) -> pb.DeleteModelResponse:
        state = self._around.state()
        await state.change(state.models.delete, request.model)
        self._around.transfers.frames.drop(request.model)
        return pb.DeleteModelResponse()

    async def ExportVersion(self, request: pb.ExportVersionRequest, context: object) -> pb.ExportVersionResponse:
        state, data_dir = self._around.state(), self._around.settings.data_dir
        published = await state.owner.brief(state.models.select, request.model, *selection(request), False)
        schema = state.models.model(request.model).schema
        metadata = struct_from_proto(request.metadata)
        arguments = data_dir, request.directory, request.model, schema, published, metadata
        path = await asyncio.to_thread(export_version, *arguments)
        return pb.ExportVersionResponse(path=str(path), version=version_to_proto(published.version))

    async def SaveCheckpoint(self, request: pb.SaveCheckpointRequest, context: object) -> pb.SaveCheckpointResponse:
        state = self._around.state()
        if request.run_id not in {"", state.run_id}:
            details = {"field": "run_id", "value": request.run_id, "allowed": state.run_id}
            message = f"run_id: got {request.run_id!r}, allowed: {state.run_id!r} (the run assigned) or empty"
            raise FailedPreconditionError(message, details=details)
        saved = await state.save(request.request_id)
        models = [pb.ModelVersion(model=name, version=version_to_proto(v)) for name, v in saved.versions]
        return pb.SaveCheckpointResponse(path=str(saved.path), models=models)

    async def GetPrivacyStatus(
        self, request: privacy_pb2.GetPrivacyStatusRequest, context: object
    ) -> privacy_pb2.GetPrivacyStatusResponse:
        state = self._around.state()
        status = await state.owner.brief(state.models.privacy_status, request.model)
        clients: list[ClientSpending] = []
        if request.with_clients:
            clients = await state.owner.brief(state.models.client_spendings, request.model)
        return privacy_status_to_proto(status, clients)

    async def _info(self, model: str) -> pb.ModelInfo:
        state = self._around.state()
        return self._infos.message(await state.owner.brief(state.models.info, model, self._around.clock.now()))


def _update_in(request: pb.UpdateModelRequest) -> ModelUpdate:
    return ModelUpdate(
        consistency=consistency_from_proto(request.consistency) if request.HasField("consistency") else None,
        limits=limits_from_proto(request.limits) if request.HasField("limits") else None,
        optimizer=optimizer_from_proto(request.optimizer) if request.HasField("optimizer") else None,
        num_versions_kept=request.num_versions_kept or None,
        group_optimizers={group: optimizer_from_proto(one) for group, one in request.group_optimizers.items()},
    )
